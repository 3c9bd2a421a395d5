// A load client in the manner of the original Go series. Each connection has a goroutine that sends Submits as fast as it
// can, with no window, and one that reads the acks. Nothing is buffered: a request is two small writes, an ack three reads.
// The server has to answer in order: an ack with any other ID than the next one is counted as wrong.
//
//	GO111MODULE=off go build -o original-client original-client.go && ./original-client --port 8888 --seconds 3
//
// Without a window the buffers of the system fill up first: this is the warm-up. Rates and processor times are those of the
// seconds after it; requests and acks are counted from the beginning. When the time is over, the client half-closes each
// connection, and reads what is left. It prints one line of JSON.
// Exit status: 0 all answered, 1 lost, wrong or failed, 2 usage.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	header    = 4
	submit    = 0x02
	submitAck = 0x82
	ackLength = header + 1 + 8 + 1
)

type connection struct {
	*net.TCPConn
	requests uint64
	acks     atomic.Uint64
	wrongIds uint64
}

type report struct {
	Connections   int     `json:"connections"`
	Seconds       float64 `json:"seconds"`
	Requests      uint64  `json:"requests"`
	Acks          uint64  `json:"acks"`
	AcksPerSecond float64 `json:"acksPerSecond"`
	Lost          int64   `json:"lost"`
	WrongIds      uint64  `json:"wrongIds"`
	ClientCpu     float64 `json:"clientCpu"`           // cores that the client was busy on
	ServerCpu     float64 `json:"serverCpu,omitempty"` // cores that the process of --server-pid was busy on
}

// What there is at the start and at the end of the measured time.
type reading struct {
	at        time.Time
	acks      uint64
	ownCpu    float64 // seconds
	serverCpu float64 // seconds
}

// The next ID: 00000001 after 00000000, and 00000000 after 99999999.
func next(id []byte) {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] < '9' {
			id[i]++
			return
		}
		id[i] = '0'
	}
}

func (c *connection) send(payload int, stopping *atomic.Bool) error {
	packet := make([]byte, 1+8+payload)
	packet[0] = submit
	id := packet[1:9]
	copy(id, "00000000")
	for i := range packet[9:] {
		packet[9+i] = 'x'
	}
	for !stopping.Load() {
		next(id)
		if err := binary.Write(c, binary.BigEndian, uint32(header+len(packet))); err != nil {
			return err
		}
		if _, err := c.Write(packet); err != nil {
			return err
		}
		c.requests++
	}
	return c.CloseWrite()
}

func (c *connection) receive() error {
	expected := []byte("00000000")
	start := make([]byte, 1+8)
	result := make([]byte, 1)
	for {
		var length uint32
		if err := binary.Read(c, binary.BigEndian, &length); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, start); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, result); err != nil {
			return err
		}
		if length != ackLength || start[0] != submitAck || result[0] != 0 {
			return fmt.Errorf("unexpected ack: length %d, command %#x, result %d", length, start[0], result[0])
		}
		next(expected)
		if string(start[1:]) != string(expected) {
			c.wrongIds++
		}
		c.acks.Add(1)
	}
}

// Whether the server has ended the connection, between two acks or inside one, or the time was over: what it has not
// answered until then shows as lost.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)
}

// Acks of all connections so far.
func received(all []*connection) (sum uint64) {
	for _, c := range all {
		sum += c.acks.Load()
	}
	return sum
}

// Seconds of the processor that a process has used: user and system time in /proc, in ticks of USER_HZ.
func processorTime(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		log.Fatal(err)
	}
	// The second field, the name, can contain spaces and brackets. After it, the times are fields 12 and 13.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] {
		value, err := strconv.Atoi(field)
		if err != nil {
			log.Fatal(err)
		}
		ticks += value
	}
	return float64(ticks) / 100
}

func read(all []*connection, serverPid int) reading {
	now := reading{at: time.Now(), acks: received(all), ownCpu: processorTime(os.Getpid())}
	if serverPid > 0 {
		now.serverCpu = processorTime(serverPid)
	}
	return now
}

func inSeconds(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func main() {
	log.SetFlags(0)
	log.SetPrefix("original-client: ")
	port := flag.Uint("port", 8888, "of 127.0.0.1")
	connections := flag.Int("connections", 100, "connections, each with two goroutines")
	payload := flag.Int("payload", 25, "bytes of each payload")
	warmup := flag.Float64("warmup", 2, "seconds before the measured ones")
	seconds := flag.Float64("seconds", 5, "seconds that are measured")
	patience := flag.Float64("patience", 10, "seconds that the last answers may take")
	serverPid := flag.Int("server-pid", 0, "process whose processor time is measured too")
	flag.Parse()
	if *connections < 1 || *payload < 0 || *warmup < 0 || *seconds <= 0 || *patience < 0 {
		flag.Usage()
		os.Exit(2)
	}

	address := net.JoinHostPort("127.0.0.1", strconv.FormatUint(uint64(*port), 10))
	all := make([]*connection, *connections)
	for i := range all {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			log.Fatal(err)
		}
		all[i] = &connection{TCPConn: conn.(*net.TCPConn)}
	}

	var stopping atomic.Bool
	var running sync.WaitGroup
	failures := make(chan error, 2*len(all))
	run := func(what func() error) {
		defer running.Done()
		if err := what(); err != nil && !isEnd(err) {
			failures <- err
		}
	}
	running.Add(2 * len(all))
	for _, c := range all {
		c := c
		go run(func() error { return c.send(*payload, &stopping) })
		go run(c.receive)
	}
	time.Sleep(inSeconds(*warmup))
	start := read(all, *serverPid)
	time.Sleep(inSeconds(*seconds))
	end := read(all, *serverPid)
	stopping.Store(true)
	for _, c := range all {
		if err := c.SetDeadline(time.Now().Add(inSeconds(*patience))); err != nil {
			log.Fatal(err)
		}
	}
	running.Wait()
	close(failures)

	elapsed := end.at.Sub(start.at).Seconds()
	result := report{
		Connections:   len(all),
		Seconds:       elapsed,
		Acks:          received(all),
		AcksPerSecond: float64(end.acks-start.acks) / elapsed,
		ClientCpu:     (end.ownCpu - start.ownCpu) / elapsed,
		ServerCpu:     (end.serverCpu - start.serverCpu) / elapsed,
	}
	for _, c := range all {
		result.Requests += c.requests
		result.WrongIds += c.wrongIds
	}
	result.Lost = int64(result.Requests) - int64(result.Acks)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
	failed := false
	for err := range failures {
		failed = true
		log.Print(err)
	}
	if failed || result.Lost != 0 || result.WrongIds > 0 {
		os.Exit(1)
	}
}
