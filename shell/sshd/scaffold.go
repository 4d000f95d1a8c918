package sshd

import (
	"net"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// scaffold is the part of gliderlabs/ssh in use: HandleConn runs the handshake and the loops that hand out channels and
// global requests. All that it would do with them by itself is replaced. There is one for each connection, so that
// every callback knows whose it is.
func (c *conn) scaffold() *ssh.Server {
	return &ssh.Server{
		Version:                  "wiped",
		HostSigners:              signers(c.server.config.HostKeys),
		ConnCallback:             func(ctx ssh.Context, _ net.Conn) net.Conn { c.ssh = ctx; return c },
		ServerConfigCallback:     func(ssh.Context) *gossh.ServerConfig { return c.serverConfig() },
		ConnectionFailedCallback: func(_ net.Conn, err error) { c.auth.err = err },
		ChannelHandlers: map[string]ssh.ChannelHandler{
			"session": func(_ *ssh.Server, sc *gossh.ServerConn, nc gossh.NewChannel, _ ssh.Context) {
				c.guard(func() { c.openSession(sc, nc) })
			},
			"default": func(_ *ssh.Server, _ *gossh.ServerConn, nc gossh.NewChannel, _ ssh.Context) {
				c.guard(func() { c.refuse(nc, gossh.Prohibited, "only sessions are served here, nothing is forwarded") })
			},
		},
		RequestHandlers: map[string]ssh.RequestHandler{
			"default": func(_ ssh.Context, _ *ssh.Server, req *gossh.Request) (ok bool, _ []byte) {
				c.guard(func() { ok = c.global(req.Type) })
				return ok, nil
			},
		},
	}
}

func signers(keys []gossh.Signer) (out []ssh.Signer) {
	for _, key := range keys {
		out = append(out, key)
	}
	return out
}

// serverConn is the library's connection: nil until the client has been told that it is logged in.
func (c *conn) serverConn() *gossh.ServerConn {
	sc, _ := c.ssh.Value(ssh.ContextKeyConn).(*gossh.ServerConn)
	return sc
}
