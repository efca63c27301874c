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
	ErrHelloIncompatible ErrorCode = 0<<16 | 0
	ErrBadVersion        ErrorCode = 1<<16 | 0
	ErrBadType           ErrorCode = 1<<16 | 1
	ErrBadMultipart      ErrorCode = 1<<16 | 2
	ErrBadExperimenter   ErrorCode = 1<<16 | 3
	ErrBadSubtype        ErrorCode = 1<<16 | 4
	ErrPermission        ErrorCode = 1<<16 | 5
	ErrBadLen            ErrorCode = 1<<16 | 6
	ErrIsSlave           ErrorCode = 1<<16 | 10
	ErrBadPort           ErrorCode = 1<<16 | 11

	ErrBadActionType ErrorCode = 2<<16 | 0
	ErrBadActionLen  ErrorCode = 2<<16 | 1
	ErrBadOutPort    ErrorCode = 2<<16 | 4
	ErrBadActionArg  ErrorCode = 2<<16 | 5
	// ErrMatchInconsistent: an action on a header that the match does not promise.
	ErrMatchInconsistent ErrorCode = 2<<16 | 10
	ErrBadActionTag      ErrorCode = 2<<16 | 12
	ErrBadSetArgument    ErrorCode = 2<<16 | 15
	ErrBadSetMask        ErrorCode = 2<<16 | 16

	ErrUnknownInstruction  ErrorCode = 3<<16 | 0
	ErrBadInstructionTable ErrorCode = 3<<16 | 2
	ErrBadInstructionLen   ErrorCode = 3<<16 | 7
	ErrDupInstruction      ErrorCode = 3<<16 | 9

	ErrBadMatchType ErrorCode = 4<<16 | 0
	ErrBadMatchLen  ErrorCode = 4<<16 | 1
	ErrBadWildcards ErrorCode = 4<<16 | 5
	ErrBadField     ErrorCode = 4<<16 | 6
	ErrBadValue     ErrorCode = 4<<16 | 7
	ErrBadMask      ErrorCode = 4<<16 | 8
	ErrBadPrereq    ErrorCode = 4<<16 | 9
	ErrDupField     ErrorCode = 4<<16 | 10

	ErrTableFull  ErrorCode = 5<<16 | 1
	ErrBadTable   ErrorCode = 5<<16 | 2
	ErrOverlap    ErrorCode = 5<<16 | 3
	ErrBadCommand ErrorCode = 5<<16 | 6

	ErrBadConfigFlags ErrorCode = 10<<16 | 0

	ErrRoleStale ErrorCode = 11<<16 | 0
	ErrRoleUnsup ErrorCode = 11<<16 | 1
	ErrBadRole   ErrorCode = 11<<16 | 2

	ErrBundleUnknown   ErrorCode = 17<<16 | 0
	ErrBundleBadID     ErrorCode = 17<<16 | 2
	ErrBundleExists    ErrorCode = 17<<16 | 3
	ErrBundleClosed    ErrorCode = 17<<16 | 4
	ErrOutOfBundles    ErrorCode = 17<<16 | 5
	ErrBundleBadType   ErrorCode = 17<<16 | 6
	ErrBundleBadFlags  ErrorCode = 17<<16 | 7
	ErrBundleMsgBadLen ErrorCode = 17<<16 | 8
	ErrBundleMsgBadXid ErrorCode = 17<<16 | 9
	ErrBundleMsgUnsup  ErrorCode = 17<<16 | 10
	ErrBundleMsgFailed ErrorCode = 17<<16 | 13
	ErrBundleTimeout   ErrorCode = 17<<16 | 14

	ErrMustBeZero     ErrorCode = 0xffff<<16 | 4
	ErrBadConjunction ErrorCode = 0xffff<<16 | 15
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
