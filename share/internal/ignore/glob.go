package ignore

import "strings"

// verdict is the result of comparing a pattern with a text. The last two end hopeless searches
// early: without them a pattern of many stars takes exponential time.
type verdict int

const (
	differs    verdict = iota
	same               //
	never              // the text ended too early: no star can help
	needsStars         // a star met a '/': only a "**" before it can help
)

// match reports whether a pattern of gitignore matches a whole path, as git's own wildmatch does
// with WM_PATHNAME: '*', '?', and classes don't match '/'; "**" between slashes does.
func match(glob, text string) bool { return wild(glob, 0, text) == same }

// wild compares glob[p:] with text.
func wild(glob string, p int, text string) verdict {
	for ; p < len(glob); p++ {
		c := glob[p]
		if text == "" && c != '*' {
			return never
		}
		switch c {
		case '*':
			v, next, rest := star(glob, p, text)
			if next < 0 {
				return v
			}
			p, text = next, rest // at the '/' of both
		case '?':
			if text[0] == '/' {
				return differs
			}
		case '[':
			in, end := class(glob, p, text[0])
			if end < 0 {
				return never // the class has no end: it matches nothing
			}
			if !in || text[0] == '/' {
				return differs
			}
			p = end
		case '\\':
			if p++; p == len(glob) {
				return never
			}
			c = glob[p]
			fallthrough
		default:
			if text[0] != c {
				return differs
			}
		}
		text = text[1:]
	}
	if text != "" {
		return differs
	}
	return same
}

// star compares from the star at glob[p] on. If next isn't negative there is no verdict yet:
// glob[next:] and rest both begin with the next '/'.
func star(glob string, p int, text string) (v verdict, next int, rest string) {
	begin := p
	for p < len(glob) && glob[p] == '*' {
		p++
	}
	deep := p-begin > 1 && (begin == 0 || glob[begin-1] == '/') && (p == len(glob) || glob[p] == '/')
	switch {
	case deep && p < len(glob) && wild(glob, p+1, text) == same:
		return same, -1, "" // "**/" is no folder at all
	case p == len(glob) && (deep || !strings.Contains(text, "/")):
		return same, -1, ""
	case p == len(glob):
		return needsStars, -1, ""
	case !deep && glob[p] == '/':
		i := strings.IndexByte(text, '/')
		if i < 0 {
			return never, -1, ""
		}
		return 0, p, text[i:]
	}
	for ; text != ""; text = text[1:] {
		if v := wild(glob, p, text); v != differs {
			if !deep || v != needsStars {
				return v, -1, ""
			}
		} else if !deep && text[0] == '/' {
			return needsStars, -1, ""
		}
	}
	return never, -1, ""
}

// class reports whether c is in the class that begins at glob[p], and where that class ends; -1
// means that it doesn't.
func class(glob string, p int, c byte) (in bool, end int) {
	p++
	negated := p < len(glob) && (glob[p] == '!' || glob[p] == '^')
	if negated {
		p++
	}
	for first := true; ; first = false {
		if p >= len(glob) {
			return false, -1
		}
		if glob[p] == ']' && !first {
			return in != negated, p
		}
		if name, after, ok := named(glob, p); ok {
			in = in || isNamed(name, c)
			p = after
			continue
		}
		low, after := classByte(glob, p)
		high := low
		if after+1 < len(glob) && glob[after] == '-' && glob[after+1] != ']' {
			high, after = classByte(glob, after+1)
		}
		if after < 0 || after > len(glob) {
			return false, -1
		}
		in = in || c == low || low <= c && c <= high // as git does with a range that runs backwards
		p = after
	}
}

// classByte reads one byte of a class, with or without a backslash before it.
func classByte(glob string, p int) (c byte, after int) {
	if glob[p] == '\\' {
		p++
	}
	if p >= len(glob) {
		return 0, len(glob) + 1
	}
	return glob[p], p + 1
}

// named reads a [:name:] inside a class.
func named(glob string, p int) (name string, after int, ok bool) {
	if !strings.HasPrefix(glob[p:], "[:") {
		return "", 0, false
	}
	end := strings.Index(glob[p:], ":]")
	if end < 2 {
		return "", 0, false
	}
	return glob[p+2 : p+end], p + end + 2, true
}

func isNamed(name string, c byte) bool {
	lower, upper, digit := 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9'
	switch name {
	case "lower":
		return lower
	case "upper":
		return upper
	case "alpha":
		return lower || upper
	case "digit":
		return digit
	case "alnum":
		return lower || upper || digit
	case "xdigit":
		return digit || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	case "space":
		return c == ' ' || '\t' <= c && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return c > ' ' && c < 0x7f && !lower && !upper && !digit
	case "print":
		return c >= ' ' && c < 0x7f
	case "graph":
		return c > ' ' && c < 0x7f
	case "cntrl":
		return c < ' ' || c == 0x7f
	}
	return false
}
