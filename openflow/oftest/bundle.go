package oftest

import (
	"time"

	"conjunct/openflow"
)

// A bundle gathers flow mods until it is committed.
type bundle struct {
	flags  openflow.BundleFlags
	used   time.Time
	xid    uint32 // of the message that opened it
	closed bool
	mods   []openflow.FlowMod
	xids   []uint32 // of the messages that added them
}

// expire forgets bundles that were idle too long, and says so.
func (c *channel) expire(now time.Time) {
	for id, b := range c.bundles {
		if now.Sub(b.used) > c.s.config.BundleIdle {
			c.send(b.xid, openflow.Error{Code: openflow.ErrBundleTimeout})
			delete(c.bundles, id)
		}
	}
}

// bundleAdd puts a flow mod into a bundle. An unknown bundle is opened by that, as Open vSwitch does it.
func (c *channel) bundleAdd(xid uint32, m openflow.BundleAdd) error {
	if c.s.faults.RefuseBundles {
		return openflow.ErrBadType
	}
	if c.role == openflow.RoleSlave {
		return openflow.ErrIsSlave
	}
	mod, ok := m.Message.(openflow.FlowMod)
	if !ok {
		return openflow.ErrBundleMsgUnsup
	}
	if err := checkMod(&mod); err != nil {
		return err
	}
	if c.s.faults.refuses(&mod) {
		return c.s.faults.RefuseWith
	}
	b := c.bundles[m.ID]
	switch {
	case b == nil:
		b = &bundle{flags: m.Flags, xid: xid}
		c.bundles[m.ID] = b
	case b.closed:
		delete(c.bundles, m.ID)
		return openflow.ErrBundleClosed
	case b.flags != m.Flags:
		delete(c.bundles, m.ID)
		return openflow.ErrBundleBadFlags
	}
	b.used = time.Now()
	b.mods, b.xids = append(b.mods, mod), append(b.xids, xid)
	return nil
}

func (c *channel) bundleControl(xid uint32, m openflow.BundleControl) (again bool, err error) {
	if c.s.faults.RefuseBundles {
		return true, openflow.ErrBadType
	}
	if c.role == openflow.RoleSlave {
		return true, openflow.ErrIsSlave
	}
	b := c.bundles[m.ID]
	if b == nil && m.Kind != openflow.BundleOpenRequest {
		return true, openflow.ErrBundleBadID
	}
	switch m.Kind {
	case openflow.BundleOpenRequest:
		if b != nil {
			delete(c.bundles, m.ID)
			return true, openflow.ErrBundleBadID
		}
		c.bundles[m.ID] = &bundle{flags: m.Flags, used: time.Now(), xid: xid}
	case openflow.BundleCloseRequest:
		b.closed, b.used = true, time.Now()
	case openflow.BundleDiscardRequest:
		delete(c.bundles, m.ID)
	case openflow.BundleCommitRequest:
		delete(c.bundles, m.ID)
		return c.commit(xid, m, b)
	default:
		return true, openflow.ErrBundleBadType
	}
	c.send(xid, openflow.BundleControl{ID: m.ID, Kind: m.Kind + 1}) // without the flags
	return true, nil
}

// commit carries out a bundle. All bundles are atomic here.
func (c *channel) commit(xid uint32, m openflow.BundleControl, b *bundle) (again bool, err error) {
	if b.flags != m.Flags {
		return true, openflow.ErrBundleBadFlags
	}
	faults := &c.s.faults
	if faults.LoseCommitUndone {
		return !faults.Break, nil
	}
	index, err := 0, error(nil)
	if n := faults.RefuseAtCommit; n > 0 && n <= len(b.mods) {
		index, err = n-1, faults.RefuseWith
	} else {
		index, err = c.s.carryOut(b.mods)
	}
	if faults.LoseCommit {
		return !faults.Break, nil
	}
	if err != nil {
		add, encodeErr := openflow.Append(nil, b.xids[index], openflow.BundleAdd{ID: m.ID, Flags: b.flags, Message: b.mods[index]})
		if encodeErr != nil {
			return true, encodeErr
		}
		c.refuse(b.xids[index], add, err)
		return true, openflow.ErrBundleMsgFailed
	}
	c.send(xid, openflow.BundleControl{ID: m.ID, Kind: m.Kind + 1}) // without the flags
	return true, nil
}
