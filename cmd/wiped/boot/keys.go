package boot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// hostKeyFiles are the private keys that can be given at boot. Their public halves are made from them.
var hostKeyFiles = []string{"ssh_host_ed25519_key", "ssh_host_rsa_key", "certificate_ed25519_key"}

// putHostKeys puts given keys under the state directory before keys are made there. A key that a state partition holds
// already is not replaced: clients know it.
func putHostKeys(dir string, sources []given) (put []string, wrong []error) {
	for _, g := range sources {
		for _, name := range hostKeyFiles {
			text, ok := g.hostKeys[name]
			if !ok {
				continue
			}
			if err := putHostKey(dir, name, text); err != nil {
				wrong = append(wrong, fmt.Errorf("hostkeys/%s of %s: %w", name, g.from, err))
				continue
			}
			put = append(put, name)
		}
	}
	return put, wrong
}

// tryHostKeys takes those given keys away again that load cannot use: it names the file, and makes another when that is gone.
// A station with a damaged key would not start at all.
func tryHostKeys(dir string, put []string, load func(dir string) error) (good []string, wrong []error) {
	good = slices.Clone(put)
	for {
		err := load(dir)
		if err == nil {
			return good, wrong
		}
		n := slices.IndexFunc(good, func(name string) bool { return strings.Contains(err.Error(), filepath.Join(dir, name)) })
		if n < 0 || os.Remove(filepath.Join(dir, good[n])) != nil {
			return good, append(wrong, err)
		}
		wrong = append(wrong, fmt.Errorf("the given hostkeys/%s %s, so a new one was made. Next: give it as ssh-keygen -N '' writes it, and start again",
			good[n], whyUnusable(err)))
		good = slices.Delete(good, n, n+1)
	}
}

// whyUnusable takes the advice off, which is for those who have a shell.
func whyUnusable(err error) string {
	_, why, ok := strings.Cut(err.Error(), "cannot be used, ")
	switch {
	case strings.Contains(err.Error(), "passphrase"):
		return "has a passphrase, which nobody could type at a start"
	case !ok:
		return "cannot be used"
	}
	why, _, _ = strings.Cut(why, ":")
	return "cannot be used, " + why
}

func putHostKey(dir, name, text string) error {
	path := filepath.Join(dir, name)
	switch there, err := os.ReadFile(path); {
	case err == nil && string(there) != text:
		return errors.New("the state directory holds another key, which stays. Next: take one of them away")
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return replaceFile(path, text)
}

// replaceFile writes a private file that is there whole or not at all.
func replaceFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// fetchKeys gets authorized keys from the network. Their hash, which came with the kernel's command line, is what makes
// them believed; so https works without certificate authorities in the image, and with a clock that is wrong.
func fetchKeys(ctx context.Context, url, sum string) (string, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := &http.Client{Timeout: 30 * time.Second, Transport: transport}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("fetch keys: %w", err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("fetch keys: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch keys: %s answers %s", url, answer.Status)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxGiven+1))
	if err != nil {
		return "", fmt.Errorf("fetch keys: %w", err)
	}
	return checkFetched(content, sum)
}

// errWrongHash is final: asking again would not make the keys the right ones.
var errWrongHash = errors.New("the file is not the one that keys_sha256 names, so its keys are refused")

func checkFetched(content []byte, sum string) (string, error) {
	if len(content) > maxGiven {
		return "", errors.New("fetch keys: the file is larger than 1 MiB")
	}
	want, err := hex.DecodeString(sum)
	if got := sha256.Sum256(content); err != nil || !bytes.Equal(got[:], want) {
		return "", fmt.Errorf("%w: its hash is %x. Next: correct wiped.keys_sha256= or the file", errWrongHash, got)
	}
	return plainText(content), nil
}
