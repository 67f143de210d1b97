package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"runtime"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/cpu"
)

// Suite is the authenticated cipher of a file under the engine. It is chosen
// when the file is made and stands in its header.
type Suite uint8

// The suites. Both have 32-byte keys and 16-byte tags.
const (
	SuiteAESGCM  Suite = 1 // AES-256-GCM, nonces of 12 bytes
	SuiteXChaCha Suite = 2 // XChaCha20-Poly1305, nonces of 24 bytes
)

const tagSize = 16

// preferredSuite is AES-GCM where the processor has instructions for it. Go's
// AES without them is slow and not constant-time.
func preferredSuite() Suite {
	switch {
	case runtime.GOARCH == "amd64" && cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ,
		runtime.GOARCH == "arm64" && (cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || runtime.GOOS == "darwin"),
		runtime.GOARCH == "s390x" && cpu.S390X.HasAES && cpu.S390X.HasGHASH:
		return SuiteAESGCM
	}
	return SuiteXChaCha
}

func (s Suite) valid() bool { return s == SuiteAESGCM || s == SuiteXChaCha }

// newAEAD returns the suite's cipher under a key of 32 bytes.
func (s Suite) newAEAD(key []byte) (cipher.AEAD, error) {
	switch s {
	case SuiteAESGCM:
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	case SuiteXChaCha:
		return chacha20poly1305.NewX(key)
	}
	return nil, fmt.Errorf("%w: unknown cipher suite %d", ErrDamaged, s)
}
