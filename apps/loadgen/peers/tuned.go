// A fast server in Go, the language of the original series: a goroutine for each connection, one read, one loop, one
// write, no allocations after the connection is accepted. No limits, no timeouts: not a server to use.
//
//	GO111MODULE=off go build -o tuned tuned.go && GOMAXPROCS=1 ./tuned 8888
package main

import (
	"encoding/binary"
	"log"
	"net"
	"os"
)

const (
	room      = 1 << 16 // bytes of one read, and the longest frame
	header    = 4
	shortest  = header + 1 + 8 // a request without a payload
	ackLength = header + 1 + 8 + 1
)

func serve(conn net.Conn) {
	defer conn.Close()
	in := make([]byte, room)
	out := make([]byte, 0, room/shortest*ackLength+ackLength)
	have := 0 // bytes of in that are a frame, or frames, not answered yet
	for {
		n, err := conn.Read(in[have:])
		if err != nil {
			return
		}
		rest := in[:have+n]
		out = out[:0]
		for len(rest) >= header {
			length := binary.BigEndian.Uint32(rest)
			if length < shortest || length > room {
				return
			}
			if uint32(len(rest)) < length {
				break
			}
			out = append(out, 0, 0, 0, ackLength, rest[4]|0x80)
			out = append(out, rest[5:13]...)
			out = append(out, 0)
			rest = rest[length:]
		}
		have = copy(in, rest)
		if len(out) == 0 {
			continue
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
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
