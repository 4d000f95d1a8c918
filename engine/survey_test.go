package engine

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wiped/engine/drive"
)

// Whoever asks gets a look that began after that; those who ask while one is under way share the next.
func TestSharedLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l surveys
		var finds []time.Time // when each began
		find := func() ([]drive.Drive, error) {
			finds = append(finds, time.Now())
			time.Sleep(10 * time.Millisecond)
			return make([]drive.Drive, len(finds)), nil
		}
		var all sync.WaitGroup
		var asked [30]time.Time
		var got [30]int
		for n := range asked { // one each millisecond
			all.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				asked[n] = time.Now()
				found, err := l.share(find)
				if err != nil {
					t.Error(err)
				}
				got[n] = len(found)
			})
		}
		all.Wait()
		for n, look := range got {
			if look == 0 || finds[look-1].Before(asked[n]) {
				t.Errorf("who asked at %v got look %d of %v", asked[n], look, finds)
			}
		}
		if len(finds) != 4 {
			t.Errorf("%d looks; want 4: the first one's, and one each 10 ms for those who came meanwhile", len(finds))
		}
	})
}

// A look that fails, or panics, does so to all who share it, and the next one is another one.
func TestSharedLookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l surveys
		broken, errs := errors.New("broken"), make(chan error, 4)
		ask := func(find func() ([]drive.Drive, error)) {
			go func() {
				defer func() {
					if r := recover(); r != nil {
						errs <- r.(error)
					}
				}()
				_, err := l.share(find)
				errs <- err
			}()
			synctest.Wait()
		}
		good := func() ([]drive.Drive, error) { return nil, nil }
		ask(func() ([]drive.Drive, error) { time.Sleep(time.Second); return nil, broken })
		ask(func() ([]drive.Drive, error) { time.Sleep(time.Second); panic(broken) })
		ask(good) // shares the one that panics
		ask(good)
		for n, want := range []error{broken, errNoSurvey, errNoSurvey, broken} {
			if err := <-errs; err != want && n == 0 {
				t.Errorf("the first look ends with %v; want %v", err, want)
			} else if n > 0 && err != broken && err != errNoSurvey {
				t.Errorf("a look that panicked ends with %v", err)
			}
		}
		ask(good)
		if err := <-errs; err != nil {
			t.Errorf("the next look ends with %v", err)
		}
	})
}
