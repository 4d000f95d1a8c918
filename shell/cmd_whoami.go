package shell

import "wiped/auth"

var whoami = command{
	name: "whoami", role: auth.Viewer,
	short: "your name, role and key, as the server sees them",
	long:  "The name is the comment of your line in authorized_keys, or your certificate's key id. It stands on every certificate of a job you start.",
	prepare: noFlags(func(c *call) error {
		w := c.s.Who
		c.printf("name   %s\nrole   %s\nkey    %s %s\nfrom   %s\n", w.Name, w.Role, w.KeyType, w.Fingerprint, clean(c.s.From))
		if w.CA != "" {
			c.printf("CA     %s, serial %d\n", w.CA, w.Serial)
		}
		return nil
	}),
}

var version = command{
	name: "version", role: auth.Viewer,
	short: "which wiped this is",
	long:  "Prints the version and the revision that the running server was built from.",
	prepare: noFlags(func(c *call) error {
		c.printf("%s\n", c.sh.Version)
		return nil
	}),
}
