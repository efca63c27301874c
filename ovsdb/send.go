package ovsdb

import (
	"encoding/json"
	"fmt"
	"time"
)

// probeID is the id of our own echoes, distinct from those of calls.
const probeID = `"echo"`

// write is the writer. It closes the connection if the peer takes no data, or gives
// none, for the probe interval twice.
func (c *Conn) write() {
	probe, err := json.Marshal(request{"echo", []any{}, json.RawMessage(probeID)})
	if err != nil {
		c.fail(err)
		return
	}
	silence := time.NewTicker(c.options.Probe)
	defer silence.Stop()
	asked := false
	for {
		var frame []byte
		select {
		case <-c.done:
			return
		case frame = <-c.echoes:
		case frame = <-c.out:
		case <-c.heard:
			asked = false
			silence.Reset(c.options.Probe)
			continue
		case <-silence.C:
			select {
			case <-c.heard: // at the same moment
				asked = false
				continue
			default:
			}
			if asked {
				c.fail(fmt.Errorf("ovsdb: no answer to echo for %v", c.options.Probe))
				return
			}
			asked, frame = true, probe
		}
		if err := c.send(frame); err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *Conn) send(frame []byte) error {
	if err := c.nc.SetWriteDeadline(time.Now().Add(2 * c.options.Probe)); err != nil {
		return err
	}
	_, err := c.nc.Write(frame)
	return err
}
