package method

import "wiped/engine/wipe"

// Kind is where the bytes of a pass come from.
type Kind int

const (
	Fixed      Kind = iota + 1 // Bytes, repeated
	Stream                     // a random stream under a key of this job and pass
	Byte                       // one random byte, drawn for this job
	Complement                 // the complement of what the Byte pass of the same Draw has
)

// Pass is one writing of the whole drive.
type Pass struct {
	Kind Kind
	// Bytes of a Fixed pass.
	Bytes wipe.Hex
	// Draw names the random byte of a Byte pass, so that the Complement pass of the same name can refer to it.
	Draw string
	// AnyOrder passes of a method are shuffled among their places for each job.
	AnyOrder bool
}

// Title is the pass in words, as people name patterns: zeros, 0x55, random, random byte, its complement.
func (p Pass) Title() string {
	switch p.Kind {
	case Stream:
		return "random"
	case Byte:
		return "random byte"
	case Complement:
		return "its complement"
	}
	return wipe.Pattern{Bytes: p.Bytes}.String()
}

func fixed(bytes ...byte) Pass { return Pass{Kind: Fixed, Bytes: bytes} }

func random() Pass { return Pass{Kind: Stream} }

func drawn(name string) Pass { return Pass{Kind: Byte, Draw: name} }

func complement(name string) Pass { return Pass{Kind: Complement, Draw: name} }

// anyOrder marks passes to be shuffled.
func anyOrder(passes ...Pass) []Pass {
	for i := range passes {
		passes[i].AnyOrder = true
	}
	return passes
}

func times(n int, p Pass) []Pass {
	passes := make([]Pass, n)
	for i := range passes {
		passes[i] = p
	}
	return passes
}
