package members

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"conjunct/policy"
)

// hosts makes n addresses as a cloud gives them out: /24 after /24, a v6 address beside each v4 one when asked for.
func hosts(n int, both bool) []netip.Prefix {
	out := make([]netip.Prefix, 0, n)
	for i := 0; len(out) < n; i++ {
		var b [16]byte
		binary.BigEndian.PutUint32(b[12:], 10<<24|uint32(i))
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte(b[12:])), 32))
		if both && len(out) < n {
			b[0], b[1] = 0x20, 0x01
			out = append(out, netip.PrefixFrom(netip.AddrFrom16(b), 128))
		}
	}
	return out
}

func fill(addrs []netip.Prefix, holders []string) *Directory {
	d := NewDirectory()
	for i, p := range addrs {
		d.Add(1, policy.Number(1+i%200), p, holders[i])
		d.Add(1, policy.Number(500+i%7), p, holders[i])
	}
	return d
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("prt-%016d", i)
	}
	return out
}

// BenchmarkDirectory_Memory reports what an address in two groups costs while 100,000 are listed.
func BenchmarkDirectory_Memory(b *testing.B) {
	const n = 100_000
	addrs, holders := hosts(n, true), names(n)
	live := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := live()
		d := fill(addrs, holders)
		b.ReportMetric(float64(live()-before)/n, "B/address")
		runtime.KeepAlive(d)
	}
}

// BenchmarkDirectory_JoinAndLeave is one address that joins a group of 10,000 beside 100,000 others, and leaves it.
func BenchmarkDirectory_JoinAndLeave(b *testing.B) {
	addrs := hosts(110_001, true)
	d := fill(addrs[:100_000], names(100_000))
	for _, p := range addrs[100_000:110_000] {
		d.Add(1, 9999, p, "member")
	}
	joining := addrs[110_000]
	b.ReportAllocs()
	for b.Loop() {
		d.Add(1, 9999, joining, "joining")
		d.Remove(1, 9999, joining, "joining")
	}
}

// BenchmarkDirectory_Cover is a /12 that comes over 100,000 listed addresses and goes again.
func BenchmarkDirectory_Cover(b *testing.B) {
	d := fill(hosts(100_000, false), names(100_000))
	b.ReportAllocs()
	for b.Loop() {
		if n := len(d.Add(1, 9999, netip.MustParsePrefix("10.0.0.0/12"), "pair")); n != 100_001 {
			b.Fatalf("%d deltas", n)
		}
		d.Remove(1, 9999, netip.MustParsePrefix("10.0.0.0/12"), "pair")
	}
}

func BenchmarkDirectory_Lookup(b *testing.B) {
	d := fill(hosts(100_000, true), names(100_000))
	addr := netip.MustParseAddr("10.0.77.7")
	b.ReportAllocs()
	for b.Loop() {
		d.Lookup(1, addr)
	}
}
