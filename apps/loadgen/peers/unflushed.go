// A server like that of the original series with a wrong optimisation: a goroutine for each connection, a buffered reader,
// and a buffered writer that is never flushed. Acks are sent when 4096 bytes are buffered, which is 293 acks: a client with
// fewer requests in flight on a connection waits forever. It shows this fault; do not use it.
//
//	GO111MODULE=off go build -o unflushed unflushed.go && ./unflushed 8888
package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"os"
)

const longest = 1 << 20 // bytes of a frame

type submit struct {
	id      string
	payload []byte
}

type submitAck struct {
	id     string
	result byte
}

func readFrame(in io.Reader) ([]byte, error) {
	var length uint32
	if err := binary.Read(in, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	if length < 4 || length > longest {
		return nil, errors.New("no such length of a frame")
	}
	payload := make([]byte, length-4)
	_, err := io.ReadFull(in, payload)
	return payload, err
}

func writeFrame(out io.Writer, payload []byte) error {
	if err := binary.Write(out, binary.BigEndian, uint32(4+len(payload))); err != nil {
		return err
	}
	_, err := out.Write(payload)
	return err
}

func decode(packet []byte) (*submit, error) {
	if len(packet) < 9 || packet[0] != 2 {
		return nil, errors.New("not a submit")
	}
	return &submit{id: string(packet[1:9]), payload: packet[9:]}, nil
}

func (ack *submitAck) encode() []byte {
	packet := append([]byte{0x82}, ack.id...)
	return append(packet, ack.result)
}

func serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	out := bufio.NewWriter(conn)
	for {
		packet, err := readFrame(in)
		if err != nil {
			return
		}
		request, err := decode(packet)
		if err != nil {
			return
		}
		ack := submitAck{id: request.id}
		if err := writeFrame(out, ack.encode()); err != nil {
			return
		}
		// What is missing: if in.Buffered() == 0 { out.Flush() }
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(conn)
	}
}
