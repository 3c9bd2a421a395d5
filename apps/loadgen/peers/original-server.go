// The three kinds of server of the original Go series, a goroutine for each connection:
//
//	fields    reads and writes field by field, without a buffer: four system calls for each request
//	buffered  a buffered reader, and a buffered writer that is flushed only when it is full
//	pooled    the same, with frames and packets from a sync.Pool
//
// The last two send their acks when 4096 bytes of them have come together, which is 293 acks. A connection with fewer
// requests in flight is never answered. They are here to be measured; do not use them.
//
//	GO111MODULE=off go build -o original-server original-server.go && ./original-server --kind fields --port 8888
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"log"
	"net"
	"strconv"
	"sync"
)

const (
	longest   = 1 << 20 // bytes of a frame
	header    = 4
	packetIDs = 1 + 8 // bytes of a packet before what differs: the command and the ID
)

type frame struct{ bytes []byte }

type submit struct {
	id      string
	payload []byte
}

type submitAck struct {
	id     string
	result byte
}

// Where frames and packets come from, and where they go when they have been used.
type memory interface {
	frame(length int) *frame
	submit() *submit
	freeFrame(*frame)
	freeSubmit(*submit)
}

// New ones each time; the garbage collector frees them.
type heap struct{}

func (heap) frame(length int) *frame { return &frame{make([]byte, length)} }
func (heap) submit() *submit         { return &submit{} }
func (heap) freeFrame(*frame)        {}
func (heap) freeSubmit(*submit)      {}

type pools struct{ frames, submits sync.Pool }

func newPools() *pools {
	return &pools{
		frames:  sync.Pool{New: func() any { return &frame{} }},
		submits: sync.Pool{New: func() any { return &submit{} }},
	}
}

func (p *pools) frame(length int) *frame {
	f := p.frames.Get().(*frame)
	if cap(f.bytes) < length {
		f.bytes = make([]byte, length)
	}
	f.bytes = f.bytes[:length]
	return f
}

func (p *pools) submit() *submit         { return p.submits.Get().(*submit) }
func (p *pools) freeFrame(f *frame)      { p.frames.Put(f) }
func (p *pools) freeSubmit(used *submit) { p.submits.Put(used) }

func readFrame(in io.Reader, from memory) (*frame, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length < header || length > longest {
		return nil, errors.New("invalid length of a frame")
	}
	packet := from.frame(int(length - header))
	_, err := io.ReadFull(in, packet.bytes)
	return packet, err
}

func writeFrame(out io.Writer, packet *frame) error {
	if err := binary.Write(out, binary.BigEndian, uint32(header+len(packet.bytes))); err != nil {
		return err
	}
	_, err := out.Write(packet.bytes)
	return err
}

func decode(packet *frame, from memory) (*submit, error) {
	if len(packet.bytes) < packetIDs || packet.bytes[0] != 2 {
		return nil, errors.New("not a Submit")
	}
	request := from.submit()
	request.id = string(packet.bytes[1:packetIDs])
	request.payload = packet.bytes[packetIDs:]
	return request, nil
}

func encode(ack submitAck, from memory) *frame {
	packet := from.frame(packetIDs + 1)
	packet.bytes[0] = 0x82
	copy(packet.bytes[1:], ack.id)
	packet.bytes[packetIDs] = ack.result
	return packet
}

func answer(in io.Reader, out io.Writer, from memory) error {
	packet, err := readFrame(in, from)
	if err != nil {
		return err
	}
	request, err := decode(packet, from)
	if err != nil {
		return err
	}
	ack := encode(submitAck{id: request.id}, from)
	from.freeSubmit(request)
	from.freeFrame(packet)
	err = writeFrame(out, ack)
	from.freeFrame(ack)
	return err
}

func serve(conn net.Conn, buffered bool, from memory) {
	defer conn.Close()
	var in io.Reader = conn
	var out io.Writer = conn
	if buffered {
		in = bufio.NewReader(conn)
		// What is missing: a Flush when the reader has nothing left.
		out = bufio.NewWriter(conn)
	}
	for answer(in, out, from) == nil {
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("original-server: ")
	kind := flag.String("kind", "fields", "fields, buffered or pooled")
	port := flag.Uint("port", 8888, "of 127.0.0.1")
	flag.Parse()
	var from memory = heap{}
	switch *kind {
	case "fields", "buffered":
	case "pooled":
		from = newPools()
	default:
		log.Fatalf("invalid kind '%s': expected fields, buffered or pooled", *kind)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.FormatUint(uint64(*port), 10)))
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn, *kind != "fields", from)
	}
}
