package boot

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// printable makes text from outside harmless on a console: what is not printable ASCII comes out as an escape sequence
// of Go. The backslash stays as it is, because some of what comes here has been escaped before.
func printable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + strconv.FormatInt(int64(s[i])+0x100, 16)[1:])
		case r >= ' ' && r < 0x7f:
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

// plainText is a text file as an editor on Windows or anywhere else left it, as UTF-8 with LF: without a byte order mark,
// out of UTF-16 if it was that, without CR.
func plainText(content []byte) string {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte("\xfe\xff")):
		order = binary.BigEndian
	}
	text := string(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")))
	if order != nil {
		units := make([]uint16, 0, len(content)/2)
		for i := 2; i+1 < len(content); i += 2 {
			units = append(units, order.Uint16(content[i:]))
		}
		text = string(utf16.Decode(units))
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}
