package agents

// ConsulAgent is one Consul agent: a server, or the client agent that stands
// beside each Nomad client.
type ConsulAgent struct {
	Server   bool
	NodeName string
	// Address is bound and advertised.
	Address string
	DataDir string
	// Join are the servers; empty for the server itself.
	Join []string
	// InitialManagementToken is set on the server only.
	InitialManagementToken string
	// AgentToken is what the agent uses for its own registration.
	AgentToken string
	// GossipKey is shared by all members, 32 bytes in base64.
	GossipKey string
}

// NomadAgent is one Nomad agent. Every agent is a client; the one-machine
// cluster's server is one too.
type NomadAgent struct {
	Server   bool
	NodeName string
	// Address is bound and advertised.
	Address string
	DataDir string
	// Servers are the RPC addresses that a client joins.
	Servers []string
	// GossipKey is shared by the servers, 32 bytes in base64.
	GossipKey string
	// CAFile, CertFile and KeyFile show agents to each other: a server's certificate
	// is for server.global.nomad, a client's for client.global.nomad.
	CAFile, CertFile, KeyFile string

	// Datacenter is the region of a server in fngen.yml, NodeClass its size.
	Datacenter string
	NodeClass  string
	MemoryMB   int
	CPUShares  int
	// Interface carries Address.
	Interface string
	// RootFS is the directory that becomes "/" of a task.
	RootFS      string
	HostVolumes []HostVolume
	// PluginDir and NetworkDir hold the programs and the lists of CNI, by which an
	// allocation gets a network of its own.
	PluginDir  string
	NetworkDir string

	ConsulAddress string
	ConsulToken   string
	VaultAddress  string
}

// HostVolume is a directory of the node that a job may mount.
type HostVolume struct {
	Name     string
	Path     string
	ReadOnly bool
}

// VaultServer is a Vault server with integrated (Raft) storage.
type VaultServer struct {
	NodeName       string
	Address        string // host:port of the API
	ClusterAddress string // host:port between servers
	DataDir        string
}

// LokiServer is a single-binary Loki.
type LokiServer struct {
	Address  string
	HTTPPort int
	GRPCPort int
	DataDir  string
}

// RabbitMQServer is one RabbitMQ node with the management plugin.
type RabbitMQServer struct {
	Address        string
	Port           int
	ManagementPort int
	User           string
	Password       string
}

// TraefikProxy is the way in.
type TraefikProxy struct {
	// TLSEntry is host:port of the HTTPS entry point.
	TLSEntry string
	// RedirectEntry is host:port of the plain entry that redirects to
	// RedirectTo (":443"), or empty for none.
	RedirectEntry string
	RedirectTo    string
	// APIEntry is host:port of API, dashboard and ping: loopback only, since
	// it has no access control.
	APIEntry      string
	ConsulAddress string
	ConsulToken   string
	DynamicFile   string
	AccessLog     string
	CertFile      string
	KeyFile       string
}
