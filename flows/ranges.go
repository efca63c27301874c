package flows

import "math/bits"

// block is an aligned run of port numbers: those that equal Value under Mask.
type block struct{ Value, Mask uint16 }

// blocks splits the range into the fewest aligned blocks: at most 30.
func (r PortRange) blocks() []block {
	var out []block
	for first, last := uint32(r.First), uint32(r.Last); first <= last; {
		size := uint32(1) << 16
		if first != 0 {
			size = 1 << bits.TrailingZeros32(first)
		}
		for first+size-1 > last {
			size >>= 1
		}
		out = append(out, block{Value: uint16(first), Mask: ^uint16(size - 1)})
		first += size
	}
	return out
}
