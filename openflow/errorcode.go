package openflow

import (
	"fmt"
	"strconv"
)

// ErrorCode is an OpenFlow error: the type in the upper 16 bits, the code in the lower. Type 0xffff is an error
// of the Open vSwitch extensions. It is a Go error, so that errors.Is finds it in an *Error and in a *DecodeError.
type ErrorCode uint32

// The errors that somebody branches on, and those that decoding reports. errorNames has all.
const (
	ErrHelloIncompatible ErrorCode = 0x0000_0000
	ErrBadVersion        ErrorCode = 0x0001_0000
	ErrBadType           ErrorCode = 0x0001_0001
	ErrBadMultipart      ErrorCode = 0x0001_0002
	ErrBadExperimenter   ErrorCode = 0x0001_0003
	ErrBadSubtype        ErrorCode = 0x0001_0004
	ErrPermission        ErrorCode = 0x0001_0005
	ErrBadLen            ErrorCode = 0x0001_0006
	ErrIsSlave           ErrorCode = 0x0001_000a
	ErrBadPort           ErrorCode = 0x0001_000b

	ErrBadActionType ErrorCode = 0x0002_0000
	ErrBadActionLen  ErrorCode = 0x0002_0001
	ErrBadOutPort    ErrorCode = 0x0002_0004
	ErrBadActionArg  ErrorCode = 0x0002_0005
	// ErrMatchInconsistent: an action on a header that the match does not promise.
	ErrMatchInconsistent ErrorCode = 0x0002_000a
	ErrBadActionTag      ErrorCode = 0x0002_000c
	ErrBadSetArgument    ErrorCode = 0x0002_000f
	ErrBadSetMask        ErrorCode = 0x0002_0010

	ErrUnknownInstruction  ErrorCode = 0x0003_0000
	ErrBadInstructionTable ErrorCode = 0x0003_0002
	ErrBadInstructionLen   ErrorCode = 0x0003_0007
	ErrDupInstruction      ErrorCode = 0x0003_0009

	ErrBadMatchType ErrorCode = 0x0004_0000
	ErrBadMatchLen  ErrorCode = 0x0004_0001
	ErrBadWildcards ErrorCode = 0x0004_0005
	ErrBadField     ErrorCode = 0x0004_0006
	ErrBadValue     ErrorCode = 0x0004_0007
	ErrBadMask      ErrorCode = 0x0004_0008
	ErrBadPrereq    ErrorCode = 0x0004_0009
	ErrDupField     ErrorCode = 0x0004_000a

	ErrTableFull  ErrorCode = 0x0005_0001
	ErrBadTable   ErrorCode = 0x0005_0002
	ErrOverlap    ErrorCode = 0x0005_0003
	ErrBadCommand ErrorCode = 0x0005_0006

	ErrBadConfigFlags ErrorCode = 0x000a_0000

	ErrRoleStale ErrorCode = 0x000b_0000
	ErrRoleUnsup ErrorCode = 0x000b_0001
	ErrBadRole   ErrorCode = 0x000b_0002

	ErrBundleUnknown   ErrorCode = 0x0011_0000
	ErrBundleBadID     ErrorCode = 0x0011_0002
	ErrBundleExists    ErrorCode = 0x0011_0003
	ErrBundleClosed    ErrorCode = 0x0011_0004
	ErrOutOfBundles    ErrorCode = 0x0011_0005
	ErrBundleBadType   ErrorCode = 0x0011_0006
	ErrBundleBadFlags  ErrorCode = 0x0011_0007
	ErrBundleMsgBadLen ErrorCode = 0x0011_0008
	ErrBundleMsgBadXid ErrorCode = 0x0011_0009
	ErrBundleMsgUnsup  ErrorCode = 0x0011_000a
	ErrBundleMsgFailed ErrorCode = 0x0011_000d
	ErrBundleTimeout   ErrorCode = 0x0011_000e

	ErrMustBeZero     ErrorCode = 0xffff_0004
	ErrBadConjunction ErrorCode = 0xffff_000f
)

// MakeErrorCode joins a type and a code.
func MakeErrorCode(kind, code uint16) ErrorCode { return ErrorCode(kind)<<16 | ErrorCode(code) }

// Type returns the upper half.
func (c ErrorCode) Type() uint16 { return uint16(c >> 16) }

// Code returns the lower half.
func (c ErrorCode) Code() uint16 { return uint16(c) }

// Error returns the error's name, as OFPFMFC_TABLE_FULL; of one without a name, type and code.
func (c ErrorCode) Error() string {
	if name := errorNames[c]; name != "" {
		return name
	}
	return "OpenFlow error type " + strconv.Itoa(int(c.Type())) + " code " + strconv.Itoa(int(c.Code()))
}

// A DecodeError says why bytes are not a message. Code is what a switch would answer.
type DecodeError struct {
	What string // the part that is wrong
	Code ErrorCode
}

// Error returns part and cause.
func (e *DecodeError) Error() string { return fmt.Sprintf("decode %s: %s", e.What, e.Code.Error()) }

// Unwrap returns the code.
func (e *DecodeError) Unwrap() error { return e.Code }
