package documents

// ParseRanges returns first and last byte of each range.
func ParseRanges(header string, size int64) (ranges [][2]int64, err error) {
	parsed, err := parseRanges(header, size)
	for _, r := range parsed {
		ranges = append(ranges, [2]int64{r.first, r.last})
	}
	return ranges, err
}
