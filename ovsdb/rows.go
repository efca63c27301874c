package ovsdb

// The rows below are values of the cache: nobody may change one, or a map or slice in
// it. Sets are sorted. Names and meanings are those of ovs-vswitchd.conf.db(5).

// OpenVSwitch is the one row of table Open_vSwitch, the root of the configuration.
type OpenVSwitch struct {
	UUID          UUID
	Bridges       []UUID
	DatapathTypes []string // that this ovs-vswitchd can make
	ExternalIDs   map[string]string
	OVSVersion    string // set by the start script, "" if it did not
	DBVersion     string // of the schema
}

// Bridge is a row of table Bridge.
type Bridge struct {
	UUID         UUID
	Name         string
	Ports        []UUID
	Controllers  []UUID
	DatapathType string // "" means "system"
	DatapathID   string // in use, 16 hexadecimal digits; "" until ovs-vswitchd runs the bridge
	FailMode     string // "" means "standalone"
	Protocols    []string
	OtherConfig  map[string]string
	ExternalIDs  map[string]string
}

// Port is a row of table Port: one interface, or several as a bond.
type Port struct {
	UUID        UUID
	Name        string
	Interfaces  []UUID
	Tag         *int64 // access VLAN, nil for none
	ExternalIDs map[string]string
}

// Interface is a row of table Interface.
type Interface struct {
	UUID        UUID
	Name        string
	Type        string // "" and "system" for a device of the host
	OFPort      int64  // OpenFlow port number; 0 not yet given, -1 the switch failed to make it
	MACInUse    string // "" until ovs-vswitchd has the device
	AdminState  string // "up", "down" or "" for unknown
	LinkState   string // "up", "down" or "" for unknown
	Error       string // why OFPort is -1
	ExternalIDs map[string]string
}

// Controller is a row of table Controller: an OpenFlow controller of a bridge.
type Controller struct {
	UUID            UUID
	Target          string
	ConnectionMode  string // "in-band", "out-of-band" or "" for the default
	InactivityProbe *int64 // milliseconds, 0 for never, nil for the default
	MaxBackoff      *int64 // milliseconds, nil for the default
	ExternalIDs     map[string]string
	IsConnected     bool
	Role            string // "master", "slave", "other" or "" while not connected
}

// Names of the tables that are monitored.
const (
	TableOpenVSwitch = "Open_vSwitch"
	TableBridge      = "Bridge"
	TablePort        = "Port"
	TableInterface   = "Interface"
	TableController  = "Controller"
)

// The columns monitored are the fields of the rows, no more: statistics and status
// columns change every few seconds.
var (
	openVSwitchColumns = []column[OpenVSwitch]{
		{"bridges", uuids(func(r *OpenVSwitch) *[]UUID { return &r.Bridges })},
		{"datapath_types", stringSet(func(r *OpenVSwitch) *[]string { return &r.DatapathTypes })},
		{"db_version", text(func(r *OpenVSwitch) *string { return &r.DBVersion })},
		{"external_ids", stringMap(func(r *OpenVSwitch) *map[string]string { return &r.ExternalIDs })},
		{"ovs_version", text(func(r *OpenVSwitch) *string { return &r.OVSVersion })},
	}
	bridgeColumns = []column[Bridge]{
		{"controller", uuids(func(r *Bridge) *[]UUID { return &r.Controllers })},
		{"datapath_id", text(func(r *Bridge) *string { return &r.DatapathID })},
		{"datapath_type", text(func(r *Bridge) *string { return &r.DatapathType })},
		{"external_ids", stringMap(func(r *Bridge) *map[string]string { return &r.ExternalIDs })},
		{"fail_mode", text(func(r *Bridge) *string { return &r.FailMode })},
		{"name", text(func(r *Bridge) *string { return &r.Name })},
		{"other_config", stringMap(func(r *Bridge) *map[string]string { return &r.OtherConfig })},
		{"ports", uuids(func(r *Bridge) *[]UUID { return &r.Ports })},
		{"protocols", stringSet(func(r *Bridge) *[]string { return &r.Protocols })},
	}
	portColumns = []column[Port]{
		{"external_ids", stringMap(func(r *Port) *map[string]string { return &r.ExternalIDs })},
		{"interfaces", uuids(func(r *Port) *[]UUID { return &r.Interfaces })},
		{"name", text(func(r *Port) *string { return &r.Name })},
		{"tag", optionalInt(func(r *Port) **int64 { return &r.Tag })},
	}
	interfaceColumns = []column[Interface]{
		{"admin_state", text(func(r *Interface) *string { return &r.AdminState })},
		{"error", text(func(r *Interface) *string { return &r.Error })},
		{"external_ids", stringMap(func(r *Interface) *map[string]string { return &r.ExternalIDs })},
		{"link_state", text(func(r *Interface) *string { return &r.LinkState })},
		{"mac_in_use", text(func(r *Interface) *string { return &r.MACInUse })},
		{"name", text(func(r *Interface) *string { return &r.Name })},
		{"ofport", integer(func(r *Interface) *int64 { return &r.OFPort })},
		{"type", text(func(r *Interface) *string { return &r.Type })},
	}
	controllerColumns = []column[Controller]{
		{"connection_mode", text(func(r *Controller) *string { return &r.ConnectionMode })},
		{"external_ids", stringMap(func(r *Controller) *map[string]string { return &r.ExternalIDs })},
		{"inactivity_probe", optionalInt(func(r *Controller) **int64 { return &r.InactivityProbe })},
		{"is_connected", boolean(func(r *Controller) *bool { return &r.IsConnected })},
		{"max_backoff", optionalInt(func(r *Controller) **int64 { return &r.MaxBackoff })},
		{"role", text(func(r *Controller) *string { return &r.Role })},
		{"target", text(func(r *Controller) *string { return &r.Target })},
	}
)
