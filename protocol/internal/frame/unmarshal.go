package frame

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxParts bounds the strings and messages within one message. A decoded one takes
// some hundred bytes of memory, an encoded one as few as two: without a bound, 4 MiB
// of nothing would take 300 MiB. The largest honest messages have half as many.
const maxParts = 32768

// Unmarshal decodes b into m after counting the parts that it would take. An error is an
// ErrMalformed.
func Unmarshal(b []byte, m proto.Message) error {
	if len(b) > 2*maxParts { // fewer bytes can't hold too many parts
		if countParts(b, m.ProtoReflect().Descriptor(), maxParts) < 0 {
			return Malformed("the message has more than %d parts", maxParts)
		}
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return Malformed("the message can't be decoded: %w", err)
	}
	return nil
}

// countParts counts the length-delimited values in b, the encoding of a message of
// type d, down to what left permits. It returns what remains of left, below 0 when
// that was exceeded. Bytes that are no message are left to the decoder to refuse.
func countParts(b []byte, d protoreflect.MessageDescriptor, left int) int {
	for len(b) > 0 && left >= 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return left
		}
		b = b[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, b); n < 0 {
				return left
			}
			b = b[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return left
		}
		b = b[n:]
		left--
		if field := d.Fields().ByNumber(number); field != nil && field.Message() != nil {
			left = countParts(value, field.Message(), left)
		}
	}
	return left
}
