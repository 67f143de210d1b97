package kv

import "context"

// GetOne returns the value of one key, nil where there is none. It is valid as the
// values of [Reader.GetMulti] are.
func GetOne(ctx context.Context, r Reader, key []byte) ([]byte, error) {
	values, err := r.GetMulti(ctx, key)
	if err != nil {
		return nil, err
	}
	return values[0], nil
}
