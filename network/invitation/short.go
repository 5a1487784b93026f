package invitation

import (
	"strings"

	"github.com/p2pchord/p2pchord/internal/fault"
)

// alphabet is Crockford's base32: digits and letters without I, L, O, and U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// The form of a short code: 16 characters for the secret and two that check them, in three groups.
const (
	dataLength  = SecretSize * 8 / 5
	shortLength = dataLength + 2
	groupLength = 6
)

// shortForm says what a short code looks like.
const shortForm = "a short code has 18 letters and digits, like K7QF2M-9DXW4T-HR6A3B"

// Short returns the short code of a secret.
func (s Secret) Short() string {
	var symbols [shortLength]byte
	for i := range dataLength {
		for bit := range 5 {
			at := i*5 + bit
			symbols[i] = symbols[i]<<1 | s[at/8]>>(7-at%8)&1
		}
	}
	symbols[dataLength], symbols[dataLength+1] = checkSymbols(symbols[:dataLength])
	var b strings.Builder
	for i, v := range symbols {
		if i > 0 && i%groupLength == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[v])
	}
	return b.String()
}

// ParseShort reads a short code, in upper or lower case, with or without hyphens and spaces. I and
// L are read as 1, and O as 0. Any one or two wrong characters are found, and so are two that were
// exchanged. Errors are of the kind fault.Usage.
func ParseShort(text string) (Secret, error) {
	var symbols []byte
	for _, r := range strings.ToUpper(text) {
		switch r {
		case '-', ' ', '\t', '\u2010', '\u2011', '\u2013', '\u00a0':
			continue
		case 'I', 'L':
			r = '1'
		case 'O':
			r = '0'
		}
		v := strings.IndexRune(alphabet, r)
		if v < 0 {
			return Secret{}, fault.New(fault.Usage, "the code has the character %q, which no code has: %s", r, shortForm)
		}
		if symbols = append(symbols, byte(v)); len(symbols) > shortLength {
			break
		}
	}
	switch {
	case len(symbols) < shortLength:
		return Secret{}, fault.New(fault.Usage, "the code is too short: %s, and this one has %d", shortForm, len(symbols))
	case len(symbols) > shortLength:
		return Secret{}, fault.New(fault.Usage, "the code is too long: %s", shortForm)
	}
	a, b := checkSymbols(symbols[:dataLength])
	if symbols[dataLength] != a || symbols[dataLength+1] != b {
		return Secret{}, fault.New(fault.Usage, "the code has a typing error: compare it with the one that you were given")
	}
	var s Secret
	for at := range SecretSize * 8 {
		s[at/8] = s[at/8]<<1 | symbols[at/5]>>(4-at%5)&1
	}
	return s, nil
}

// checkSymbols returns the two symbols that make the 18 of a short code a word of a Reed-Solomon
// code over GF(32): the sum of all symbols v[i] is zero, and so is that of v[i]*x^i. Two words
// differ in at least three places.
func checkSymbols(data []byte) (a, b byte) {
	var sum, weighted byte
	power := byte(1)
	for _, v := range data {
		sum ^= v
		weighted ^= multiply(v, power)
		power = multiply(power, 2)
	}
	// a + b = sum, and a*power + b*power*x = weighted, so b*power*(1+x) = weighted + sum*power.
	b = divide(weighted^multiply(sum, power), multiply(power, 3))
	return sum ^ b, b
}

// multiply multiplies in GF(32), modulo x^5+x^2+1.
func multiply(a, b byte) (product byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			product ^= a
		}
		if a <<= 1; a >= 32 {
			a ^= 0b100101
		}
	}
	return product
}

// divide divides by b, which is not zero: its inverse is its 30th power.
func divide(a, b byte) byte {
	for range 30 {
		a = multiply(a, b)
	}
	return a
}
