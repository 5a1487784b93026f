package protocol

import (
	"fmt"
	"strings"
	"time"
)

// WrongDate reports whether a peer could not be reached because its certificate is not valid by this machine's clock.
// libp2p passes the reason on as words only.
func WrongDate(err error) bool {
	return strings.Contains(err.Error(), "certificate has expired or is not yet valid")
}

// WrongDateWords say what is wrong when WrongDate, and what to do.
func WrongDateWords() string {
	return fmt.Sprintf("its certificate is not valid by this machine's clock, which shows %s: set the clock that is wrong, here or there",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"))
}
