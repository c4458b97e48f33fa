package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A gate is a TCP port that agents may connect to, and where they wait for each
// other: who says begin is let go once the victim has its turn, and the victim and
// the thief once somebody says over. So there is something to be taken all that
// time, and what spins takes no time from the rest.
type gate struct {
	port int
	wg   sync.WaitGroup

	mu     sync.Mutex
	begins []net.Conn // that wait for the victim
	ends   []net.Conn // that wait for over
	there  bool       // the victim is
	conns  []net.Conn
	over   bool
}

func openGate(t *testing.T) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{port: l.Addr().(*net.TCPAddr).Port}
	g.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.mu.Lock()
			g.conns = append(g.conns, c)
			g.mu.Unlock()
			g.wg.Go(func() { g.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		g.mu.Lock()
		for _, c := range g.conns {
			_ = c.Close()
		}
		g.mu.Unlock()
		g.wg.Wait()
	})
	return g
}

// serve takes an agent's word.
func (g *gate) serve(c net.Conn) {
	word, _ := bufio.NewReader(c).ReadString('\n')
	g.mu.Lock()
	defer g.mu.Unlock()
	switch strings.TrimSpace(word) {
	case "victim":
		g.there = true
		g.ends = append(g.ends, c)
	case "thief":
		g.ends = append(g.ends, c)
	case "begin":
		g.begins = append(g.begins, c)
	case "over":
		g.over = true
		_ = c.Close()
	}
	if g.there {
		release(&g.begins)
	}
	if g.over {
		release(&g.ends)
	}
}

// release lets all of a list go.
func release(conns *[]net.Conn) {
	for _, c := range *conns {
		_ = c.Close()
	}
	*conns = nil
}

// pass says a word at a gate, and waits until it opens. It is a program too, for
// agents that cannot connect by themselves: hostile gate PORT WORD.
func pass(port int, word string) error {
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintln(c, word); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	return err
}

func passes(args []string) int {
	port, err := strconv.Atoi(args[0])
	if err == nil {
		err = pass(port, args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		return 1
	}
	return 0
}
