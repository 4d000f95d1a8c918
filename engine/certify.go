package engine

import (
	"fmt"

	"wiped/engine/certificate"
)

// Certificate makes the certificate of an ended job from its record, and signs it. It comes out the same, byte for
// byte, however often it is asked for.
func (e *Engine) Certificate(id uint64) (statement certificate.Statement, document, signature []byte, err error) {
	j, err := e.job(id)
	if err != nil {
		return statement, nil, nil, err
	}
	if s := j.state(); !s.End() {
		next := fmt.Sprintf("watch %d", id)
		if s == Interrupted {
			next = fmt.Sprintf("resume %d, or cancel %d to end it as it is", id, id)
		}
		return statement, nil, nil, refuse(Unsafe, fmt.Sprintf("job %d", id), "it has not ended: it is "+string(s), next)
	}
	r, err := e.cfg.Journal.Job(id)
	if err != nil {
		return statement, nil, nil, err
	}
	if statement, err = certificate.From(r); err != nil {
		return statement, nil, nil, err
	}
	if document, err = statement.JSON(); err != nil {
		return statement, nil, nil, err
	}
	signature, err = certificate.Sign(e.cfg.Signer, document)
	return statement, document, signature, err
}
