package editor

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A key is one character in UTF-8. The control characters that x/term understands stand for themselves; of those it does
// not use, these stand for what a terminal sends as a longer sequence, or for what is no key at all.
const (
	keyHome       = 0x01 // ^A
	keyLeft       = 0x02 // ^B
	keyInterrupt  = 0x03 // ^C
	keyEnd        = 0x05 // ^E
	keyRight      = 0x06 // ^F
	keyDown       = 0x0e // ^N
	keyUp         = 0x10 // ^P
	keyEOF        = 0x04 // ^D
	keyEnter      = '\r'
	keyDeleteWord = 0x17 // ^W
	keyPasteOn    = 0x18 // what follows is pasted
	keyPasteOff   = 0x19 // what follows is typed again
	keyDelete     = 0x1c
	keyWordLeft   = 0x1d
	keyWordRight  = 0x1e
	keyLost       = 0x1f // some keys are missing here; made by the inbox only
	escape        = 0x1b
	backspace     = 0x7f
)

// passed are the control characters that are keys as they come; all others are dropped.
const passed = "\x01\x02\x03\x04\x05\x06\x08\t\x0b\x0c\x0e\x10\x14\x15\x17\x7f"

// sequences are the escape sequences that are keys, without the ESC; all others are dropped.
var sequences = map[string]byte{
	"[A": keyUp, "[B": keyDown, "[C": keyRight, "[D": keyLeft, "[H": keyHome, "[F": keyEnd,
	"OA": keyUp, "OB": keyDown, "OC": keyRight, "OD": keyLeft, "OH": keyHome, "OF": keyEnd, "OM": keyEnter,
	"[1~": keyHome, "[7~": keyHome, "[4~": keyEnd, "[8~": keyEnd, "[3~": keyDelete,
	"[1;3C": keyWordRight, "[1;5C": keyWordRight, "[1;3D": keyWordLeft, "[1;5D": keyWordLeft,
	"f": keyWordRight, "b": keyWordLeft, "\x7f": keyDeleteWord,
	"[200~": keyPasteOn, "[201~": keyPasteOff,
}

// maxSequence is the length up to which an escape sequence can be a key. A longer one is followed to its end and dropped.
const maxSequence = 16

// filter turns the bytes of a terminal into keys. What is no key is dropped: unknown escape sequences of any length, C0
// and C1 control characters, bytes that are not UTF-8. It keeps state over calls, as input may be cut anywhere.
type filter struct {
	state func(*filter, []byte, byte) []byte // nil: plain text
	seq   []byte                             // the escape sequence so far, without the ESC
	char  []byte                             // the first bytes of a character of several
	cr    bool                               // the last byte was CR: an LF belongs to it
	paste bool                               // between the terminal's paste markers
}

// keys appends to dst the keys that p completes.
func (f *filter) keys(dst, p []byte) []byte {
	for _, b := range p {
		// A control character ends whatever sequence it is found in, so that Enter and ^C always come through.
		if f.state == nil || b < ' ' {
			f.state = nil
			dst = f.text(dst, b)
			continue
		}
		dst = f.state(f, dst, b)
	}
	return dst
}

func (f *filter) text(dst []byte, b byte) []byte {
	wasCR := f.cr
	f.cr = b == '\r'
	if b >= utf8.RuneSelf {
		return f.multibyte(dst, b)
	}
	f.char = f.char[:0]
	switch {
	case b == escape:
		f.state, f.seq = (*filter).escaped, f.seq[:0]
	case b == '\r', b == '\n' && !wasCR:
		dst = append(dst, keyEnter)
	case b >= ' ' && b != backspace:
		dst = append(dst, b)
	case b == keyInterrupt:
		return f.interrupt(dst)
	case f.paste && b == '\t':
		dst = append(dst, ' ') // in a paste it is no request to complete
	case !f.paste && strings.IndexByte(passed, b) >= 0:
		dst = append(dst, b)
	}
	return dst
}

// interrupt also ends a paste: one whose end marker got lost would otherwise leave the editing keys dead for ever.
func (f *filter) interrupt(dst []byte) []byte {
	if f.paste {
		f.paste = false
		dst = append(dst, keyPasteOff)
	}
	return append(dst, keyInterrupt)
}

// multibyte collects one character. C1 control characters are dropped, for to some terminals they start sequences, and
// U+FFFD, for to x/term it means that bytes are missing. So are format characters, which change the order of what is shown or
// are not shown at all: a line must look like what it says.
func (f *filter) multibyte(dst []byte, b byte) []byte {
	if utf8.RuneStart(b) {
		f.char = f.char[:0]
	} else if len(f.char) == 0 {
		return dst
	}
	f.char = append(f.char, b)
	if !utf8.FullRune(f.char) {
		return dst
	}
	if r, n := utf8.DecodeRune(f.char); n == len(f.char) && r > 0x9f && r != utf8.RuneError && !unicode.Is(unicode.Cf, r) {
		dst = append(dst, f.char...)
	}
	f.char = f.char[:0]
	return dst
}

func (f *filter) escaped(dst []byte, b byte) []byte {
	switch b {
	case '[':
		f.state, f.seq = (*filter).csi, append(f.seq, b)
		return dst
	case 'O':
		f.state, f.seq = (*filter).final, append(f.seq, b)
		return dst
	case ']', 'P', 'X', '^', '_':
		f.state = (*filter).skipped
		return dst
	}
	f.state = nil
	if _, ok := sequences[string(b)]; ok && !f.paste {
		return f.final(dst, b)
	}
	return f.text(dst, b) // a lone ESC is dropped, and eats nothing
}

// csi collects a control sequence: parameters, then one final byte.
func (f *filter) csi(dst []byte, b byte) []byte {
	switch {
	case b >= backspace:
		f.state = nil
		return f.text(dst, b)
	case b == '[' && len(f.seq) == 1:
		f.state, f.seq = (*filter).final, append(f.seq, b) // the Linux console's F1 to F5: one more byte comes
	case b >= '@':
		return f.final(dst, b)
	case len(f.seq) < maxSequence:
		f.seq = append(f.seq, b)
	}
	return dst
}

// final ends a sequence. A cut-off one fills seq to maxSequence and is longer than any that is known.
func (f *filter) final(dst []byte, b byte) []byte {
	f.state = nil
	if b >= utf8.RuneSelf {
		return f.text(dst, b)
	}
	key, known := sequences[string(append(f.seq, b))]
	switch {
	case !known || f.paste && key != keyPasteOff:
		return dst
	case key == keyPasteOn:
		f.paste = true
	case key == keyPasteOff:
		f.paste = false
	}
	return append(dst, key)
}

// skipped is a byte of a control string, such as a terminal's answer to a query. The string lasts until a control
// character: BEL, the ESC of its proper end, or whatever else comes.
func (f *filter) skipped(dst []byte, _ byte) []byte { return dst }
