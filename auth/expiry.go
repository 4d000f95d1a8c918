package auth

import (
	"fmt"
	"strings"
	"time"
)

// expiryLayouts are OpenSSH's forms of a moment, told apart by their length.
var expiryLayouts = map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}

// parseExpiry reads YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]: UTC with the Z, else the time of local. A day alone means its
// first moment.
func parseExpiry(text string, local *time.Location) (time.Time, error) {
	digits, utc := strings.CutSuffix(strings.ToUpper(text), "Z")
	if utc {
		local = time.UTC
	}
	t, err := time.ParseInLocation(expiryLayouts[len(digits)], digits, local)
	// The zero time would mean never, so years that nobody means are not let in.
	if err != nil || len(digits) == 0 || strings.Trim(digits, "0123456789") != "" || t.Unix() < 0 {
		return time.Time{}, fmt.Errorf(`"%s" is not a time: write YYYYMMDD or YYYYMMDDHHMM or YYYYMMDDHHMMSS, with a Z behind it for UTC`, escape(text))
	}
	return t, nil
}
