package openflow_test

import (
	"encoding/hex"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"conjunct/openflow"
)

// update makes the vectors anew with the installed Open vSwitch: go test ./openflow -run TestVectors -update
var update = flag.Bool("update", false, "make the vectors in testdata anew with the installed Open vSwitch")

// A vector is a paragraph of a file: lines "key: value".
type vector map[string]string

func readVectors(t *testing.T, name string) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/" + name)
	require.NoError(t, err)
	var all []vector
	for _, paragraph := range strings.Split(string(b), "\n\n") {
		v := vector{}
		for _, line := range lines(paragraph) {
			key, value, ok := strings.Cut(line, ":")
			require.True(t, ok, "%s: %s", name, line)
			v[key] = strings.TrimSpace(value)
		}
		if len(v) > 0 {
			all = append(all, v)
		}
	}
	require.NotEmpty(t, all)
	return all
}

func writeVectors(t *testing.T, name, comment string, all []vector, order ...string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n# Made by: go test ./openflow -run TestVectors -update\n", comment)
	for _, v := range all {
		b.WriteByte('\n')
		for _, key := range order {
			if value, ok := v[key]; ok {
				fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%-5s %s", key+":", value)))
			}
		}
	}
	require.NoError(t, os.WriteFile("testdata/vectors/"+name, []byte(b.String()), 0o644))
}

func (v vector) bytes(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString(v["hex"])
	require.NoError(t, err)
	return b
}

// TestVectorsFlows: for each flow, the text that went in, the bytes that ovs-ofctl made of it, and the text that
// a switch's dump-flows made of these.
func TestVectorsFlows(t *testing.T) {
	if *update {
		updateFlows(t)
	}
	for _, v := range readVectors(t, "flows.txt") {
		wire := v.bytes(t)
		f, err := openflow.ParseFlow(v["in"])
		require.NoError(t, err)
		got, err := openflow.Append(nil, 0, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f})
		require.NoError(t, err)
		require.Equal(t, v["hex"], hex.EncodeToString(got), "bytes of %s", v["in"])

		xid, m, err := openflow.Decode(wire)
		require.NoError(t, err, v["in"])
		require.Zero(t, xid)
		require.Equal(t, openflow.FlowMod{Command: openflow.FlowAdd, Flow: f}, m)
		require.Equal(t, v["dump"], f.String())

		again, err := openflow.ParseFlow(v["dump"])
		require.NoError(t, err)
		require.Equal(t, f, again, "text of %s", v["in"])
	}
}

// updateFlows records what ovs-ofctl sends for each line, and what a switch prints for it.
func updateFlows(t *testing.T) {
	s := startOVS(t)
	text := flowLines(t)
	sent := s.record(text)
	all := make([]vector, len(text))
	for i, line := range text {
		wire := sent[i]
		copy(wire[4:8], []byte{0, 0, 0, 0}) // the xid
		s.ofctl("del-flows", s.bridge())
		s.ofctl("add-flow", s.bridge(), line)
		dump := s.dump()
		require.Len(t, dump, 1)
		all[i] = vector{"in": line, "hex": hex.EncodeToString(wire), "dump": dump[0]}
	}
	writeVectors(t, "flows.txt", "Flows: text, the bytes of ovs-ofctl add-flows, the text of ovs-ofctl dump-flows.", all, "in", "hex", "dump")
}

// record returns the flow mods that ovs-ofctl sends to install the flows. It speaks to us in place of a switch.
func (s *ovs) record(flows []string) [][]byte {
	t := s.t
	l, err := net.Listen("unix", s.Path("record.sock"))
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	cmd := s.Command("ovs-ofctl", "-O", "OpenFlow15", "--no-names", "add-flows", "unix:"+s.Path("record.sock"), writeFile(t, strings.Join(flows, "\n")))
	require.NoError(t, cmd.Start())
	c, err := l.Accept()
	require.NoError(t, err)
	p := newPeer(t, c)
	p.hello()
	var sent [][]byte
	for {
		b, err := p.recvRaw()
		if err != nil {
			break // ovs-ofctl is done
		}
		switch h, _ := openflow.ParseHeader(b); h.Type {
		case openflow.TypeFlowMod:
			sent = append(sent, b)
		case openflow.TypeBarrierRequest:
			reply, err := openflow.Append(nil, h.Xid, openflow.BarrierReply{})
			require.NoError(t, err)
			_, err = c.Write(reply)
			require.NoError(t, err)
		default:
			require.Failf(t, "ovs-ofctl sends what nobody answers", "%x", b)
		}
	}
	require.NoError(t, c.Close())
	require.NoError(t, cmd.Wait())
	require.Len(t, sent, len(flows))
	return sent
}

// TestVectorsBad: texts that ovs-ofctl refuses, with its words and with ours.
func TestVectorsBad(t *testing.T) {
	if *update {
		updateBad(t)
	}
	for _, v := range readVectors(t, "bad.txt") {
		_, err := openflow.ParseFlow(v["in"])
		require.Error(t, err, v["in"])
		require.Equal(t, v["ours"], strings.TrimPrefix(err.Error(), fmt.Sprintf("parse flow %q: ", v["in"])), v["in"])
	}
}

// updateBad asks ovs-ofctl about every text of testdata/bad.txt. It must refuse each, but for those behind "stricter",
// which it takes, with a warning or without one, and makes a wider match of.
func updateBad(t *testing.T) {
	s := startOVS(t)
	b, err := os.ReadFile("testdata/bad.txt")
	require.NoError(t, err)
	var all []vector
	for _, line := range lines(string(b)) {
		line, stricter := strings.CutPrefix(line, "stricter ")
		out, err := s.Command("ovs-ofctl", "-O", "OpenFlow15", "add-flow", s.bridge(), line).CombinedOutput()
		if !assert.Equal(t, stricter, err == nil, "%s: %s", line, out) {
			continue
		}
		v := vector{"in": line, "ovs": "takes it"}
		if !stricter {
			v["ovs"] = answer(string(out))
		}
		if _, err = openflow.ParseFlow(line); !assert.Error(t, err, line) {
			continue
		}
		v["ours"] = strings.TrimPrefix(err.Error(), fmt.Sprintf("parse flow %q: ", line))
		all = append(all, v)
	}
	writeVectors(t, "bad.txt", "Texts that are not flows: the text, the words of ovs-ofctl, our words.", all, "in", "ovs", "ours")
}

// answer finds in what ovs-ofctl printed its error, or the switch's.
func answer(out string) string {
	all := lines(out)
	for _, l := range all {
		if strings.HasPrefix(l, "OFPT_ERROR") {
			return l
		}
	}
	return strings.TrimPrefix(all[len(all)-1], "ovs-ofctl: ")
}
