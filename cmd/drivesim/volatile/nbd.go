package volatile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Numbers of the NBD protocol (doc/proto.md of the nbd project): fixed newstyle negotiation, simple replies.
const (
	magicServer  = 0x4e42444d41474943 // NBDMAGIC
	magicOption  = 0x49484156454F5054 // IHAVEOPT
	magicReply   = 0x3e889045565a9    // to an option
	magicRequest = 0x25609513
	magicSimple  = 0x67446698

	handshakeFixed, handshakeNoZeroes = 1, 2

	optionExportName, optionAbort, optionInfo, optionGo = 1, 2, 6, 7

	replyAck, replyInfo, replyUnsupported = 1, 3, 1<<31 + 1
	infoExport, infoBlockSize             = 0, 3

	hasFlags, sendFlush, sendFUA = 1, 4, 8

	commandRead, commandWrite, commandDisconnect, commandFlush = 0, 1, 2, 3
	commandFUA                                                 = 1

	errorIO, errorInvalid = 5, 22

	// What a client may send at most, in bytes: of an option, and in one request.
	maxOption, maxRequest = 4 << 10, 32 << 20
)

var errProtocol = errors.New("not the NBD protocol")

// Serve speaks NBD with one client until it leaves. Once the power is off it says nothing any more, and reads until the client is gone.
func (d *Drive) Serve(conn net.Conn) error {
	defer conn.Close()
	c := &client{d: d, r: bufio.NewReaderSize(conn, 1<<20), w: bufio.NewWriterSize(conn, 1<<20)}
	err := c.negotiate()
	if err == nil {
		err = c.transmit()
	}
	if errors.Is(err, ErrOff) {
		_, _ = io.Copy(io.Discard, c.r)
	}
	if errors.Is(err, errLeft) {
		return nil
	}
	return err
}

var errLeft = errors.New("the client left")

type client struct {
	d       *Drive
	r       *bufio.Reader
	w       *bufio.Writer
	noZeros bool
}

// put sends numbers, big endian, and byte slices.
func (c *client) put(values ...any) error {
	for _, v := range values {
		if err := binary.Write(c.w, binary.BigEndian, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) get(values ...any) error {
	for _, v := range values {
		if err := binary.Read(c.r, binary.BigEndian, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) flags() uint16 { return hasFlags | sendFlush | sendFUA }

func (c *client) negotiate() error {
	err := c.put(uint64(magicServer), uint64(magicOption), uint16(handshakeFixed|handshakeNoZeroes))
	if err == nil {
		err = c.w.Flush()
	}
	var flags uint32
	if err == nil {
		err = c.get(&flags)
	}
	if err != nil {
		return err
	}
	c.noZeros = flags&handshakeNoZeroes != 0
	for {
		if chosen, err := c.option(); chosen || err != nil {
			return err
		}
	}
}

// option answers one option; chosen: the client has what it needs.
func (c *client) option() (chosen bool, err error) {
	var magic uint64
	var option, length uint32
	if err := c.get(&magic, &option, &length); err != nil {
		return false, err
	}
	if magic != magicOption || length > maxOption {
		return false, fmt.Errorf("option of %d bytes: %w", length, errProtocol)
	}
	if _, err := io.CopyN(io.Discard, c.r, int64(length)); err != nil { // there is one export, whatever it is called
		return false, err
	}
	switch option {
	case optionExportName:
		err = c.put(uint64(c.d.size), c.flags())
		if err == nil && !c.noZeros {
			err = c.put(make([]byte, 124))
		}
		return true, errors.Join(err, c.w.Flush())
	case optionInfo, optionGo:
		err = errors.Join(
			c.reply(option, replyInfo, uint16(infoExport), uint64(c.d.size), c.flags()),
			c.reply(option, replyInfo, uint16(infoBlockSize), uint32(Sector), uint32(4096), uint32(maxRequest)),
			c.reply(option, replyAck))
		return option == optionGo, errors.Join(err, c.w.Flush())
	case optionAbort:
		return false, errors.Join(c.reply(option, replyAck), c.w.Flush(), errLeft)
	}
	return false, errors.Join(c.reply(option, replyUnsupported), c.w.Flush())
}

func (c *client) reply(option, kind uint32, values ...any) error {
	length := 0
	for _, v := range values {
		length += binary.Size(v)
	}
	return c.put(append([]any{uint64(magicReply), option, kind, uint32(length)}, values...)...)
}

// request is the header of a request.
type request struct {
	Magic       uint32
	Flags, Kind uint16
	Cookie      uint64
	Offset      uint64
	Length      uint32
}

func (c *client) transmit() error {
	for {
		var r request
		if err := c.get(&r); err != nil {
			return err
		}
		if r.Magic != magicRequest || r.Length > maxRequest {
			return fmt.Errorf("request of %d bytes: %w", r.Length, errProtocol)
		}
		if r.Kind == commandDisconnect {
			return errLeft
		}
		if err := c.answer(r); err != nil {
			return err
		}
		if c.r.Buffered() == 0 {
			if err := c.w.Flush(); err != nil {
				return err
			}
		}
	}
}

// answer does what a request asks for. Only a connection that cannot go on is an error.
func (c *client) answer(r request) error {
	var data []byte
	var err error
	inside := r.Offset <= uint64(c.d.size) // so that it is an int64; the drive looks at the rest
	switch r.Kind {
	case commandRead:
		data = make([]byte, r.Length)
		if inside {
			_, err = c.d.ReadAt(data, int64(r.Offset))
		}
	case commandWrite:
		data := make([]byte, r.Length)
		if _, err := io.ReadFull(c.r, data); err != nil {
			return err
		}
		if inside {
			err = c.d.Write(data, int64(r.Offset), r.Flags&commandFUA != 0)
		}
	case commandFlush:
		inside, err = true, c.d.Flush()
	default:
		inside = false
	}
	code := uint32(0)
	switch {
	case errors.Is(err, ErrOff):
		return err
	case !inside:
		code, data = errorInvalid, nil
	case err != nil:
		code, data = errorIO, nil
	}
	return c.put(uint32(magicSimple), code, r.Cookie, data)
}
