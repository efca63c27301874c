package openflow

// FragMode says what the switch does with IP fragments.
type FragMode uint16

// The modes (OpenFlow 1.5.1, 7.3.2; FragNXMatch is OFPC_FRAG_NX_MATCH of include/openflow/nicira-ext.h).
const (
	FragNormal  FragMode = 0 // ports of every fragment read 0
	FragDrop    FragMode = 1
	FragReasm   FragMode = 2
	FragNXMatch FragMode = 3 // a first fragment shows its ports, IPFrag can be matched
)

// Config is the body of SetConfig and GetConfigReply.
type Config struct {
	Frags       FragMode
	MissSendLen uint16 // bytes of a packet that a controller gets on a table miss
}

// GetConfigRequest asks for a GetConfigReply.
type GetConfigRequest struct{}

// GetConfigReply tells the switch's Config.
type GetConfigReply Config

// SetConfig changes the switch's Config. There is no reply.
type SetConfig Config

// Type returns TypeGetConfigRequest.
func (GetConfigRequest) Type() MsgType { return TypeGetConfigRequest }

// Type returns TypeGetConfigReply.
func (GetConfigReply) Type() MsgType { return TypeGetConfigReply }

// Type returns TypeSetConfig.
func (SetConfig) Type() MsgType { return TypeSetConfig }

func (m GetConfigRequest) appendBody(b []byte, _ uint32) ([]byte, error) { return b, nil }

func (m GetConfigReply) appendBody(b []byte, _ uint32) ([]byte, error) {
	return put16(put16(b, uint16(m.Frags)), m.MissSendLen), nil
}

func (m SetConfig) appendBody(b []byte, xid uint32) ([]byte, error) {
	return GetConfigReply(m).appendBody(b, xid)
}

func decodeConfig(r *reader) Config {
	return Config{FragMode(r.u16("config flags")), r.u16("miss_send_len")}
}
