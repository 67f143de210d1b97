package config

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"settle/storage/couch"
)

// ID names a value by its section and key.
type ID struct{ Section, Key string }

// The values that settle reads.
var (
	MaxDocumentSize        = ID{"couchdb", "max_document_size"}
	MaxAttachmentSize      = ID{"couchdb", "max_attachment_size"}
	MaxDocumentIDLength    = ID{"couchdb", "max_document_id_length"}
	MaintenanceMode        = ID{"couchdb", "maintenance_mode"}
	SingleNode             = ID{"couchdb", "single_node"}
	MaxRequestSize         = ID{"chttpd", "max_http_request_size"}
	MaxInfos               = ID{"chttpd", "max_db_number_for_dbs_info_req"}
	RequireValidUser       = ID{"chttpd", "require_valid_user"}
	RequireValidUserButUp  = ID{"chttpd", "require_valid_user_except_for_up"}
	ChangesTimeout         = ID{"chttpd", "changes_timeout"}
	EnableCORS             = ID{"chttpd", "enable_cors"}
	WWWAuthenticate        = ID{"chttpd", "WWW-Authenticate"}
	TrustedProxies         = ID{"chttpd", "trusted_proxies"} // settle's own
	CORSOrigins            = ID{"cors", "origins"}
	CORSCredentials        = ID{"cors", "credentials"}
	CORSMethods            = ID{"cors", "methods"}
	CORSHeaders            = ID{"cors", "headers"}
	CORSExposedHeaders     = ID{"cors", "exposed_headers"}
	CORSMaxAge             = ID{"cors", "max_age"}
	AuthRequireValidUser   = ID{"chttpd_auth", "require_valid_user"}
	SessionTimeout         = ID{"chttpd_auth", "timeout"}
	AllowPersistentCookies = ID{"chttpd_auth", "allow_persistent_cookies"}
	SameSite               = ID{"chttpd_auth", "same_site"}
	CookieDomain           = ID{"chttpd_auth", "cookie_domain"}
	PasswordIterations     = ID{"chttpd_auth", "iterations"}
	Secret                 = ID{"chttpd_auth", "secret"}
	PasswordRegexp         = ID{"chttpd_auth", "password_regexp"}
	AuthHandlers           = ID{"chttpd", "authentication_handlers"}
	HashAlgorithms         = ID{"chttpd_auth", "hash_algorithms"}
	UpgradeHashOnAuth      = ID{"chttpd_auth", "upgrade_hash_on_auth"}
	PublicFields           = ID{"chttpd_auth", "public_fields"}
	ProxyUseSecret         = ID{"chttpd_auth", "proxy_use_secret"}
	ProxyNameHeader        = ID{"chttpd_auth", "x_auth_username"}
	ProxyRolesHeader       = ID{"chttpd_auth", "x_auth_roles"}
	ProxyTokenHeader       = ID{"chttpd_auth", "x_auth_token"}
	UsersSecurityEditable  = ID{"couchdb", "users_db_security_editable"}
	LockoutMode            = ID{"chttpd_auth_lockout", "mode"}
	LockoutThreshold       = ID{"chttpd_auth_lockout", "threshold"}
	LockoutLifetime        = ID{"chttpd_auth_lockout", "max_lifetime"}
	LockoutObjects         = ID{"chttpd_auth_lockout", "max_objects"}
	JWTRequiredClaims      = ID{"jwt_auth", "required_claims"}
	JWTRolesClaimName      = ID{"jwt_auth", "roles_claim_name"}
	JWTRolesClaimPath      = ID{"jwt_auth", "roles_claim_path"}
	PerUserEnable          = ID{"couch_peruser", "enable"}
	PerUserDeleteDBs       = ID{"couch_peruser", "delete_dbs"}
	PerUserDatabasePrefix  = ID{"couch_peruser", "database_prefix"}
	PerUserShards          = ID{"couch_peruser", "q"}
	FindLimit              = ID{"mango", "default_limit"}
	FindScanWarning        = ID{"mango", "index_scan_warning_threshold"}
	KeepAncestors          = ID{"attachments", "keep_ancestors"} // seconds
	MaxKept                = ID{"attachments", "max_kept"}       // bytes of what a database has fetched
	MaxFetching            = ID{"attachments", "max_fetching"}   // bytes of what is fetched at once
	UploadExpiry           = ID{"attachments", "upload_expiry"}  // seconds
	MaxPurgedDocuments     = ID{"purge", "max_document_id_number"}
	MaxPurgedRevisions     = ID{"purge", "max_revisions_number"}
	ReplicatorMaxJobs      = ID{"replicator", "max_jobs"}
	ReplicatorMaxChurn     = ID{"replicator", "max_churn"}
	ReplicatorMaxHistory   = ID{"replicator", "max_history"}
	ReplicatorInterval     = ID{"replicator", "interval"} // milliseconds
	ReplicatorVerifyTLS    = ID{"replicator", "verify_ssl_certificates"}
	ReplicatorCAFile       = ID{"replicator", "ssl_trusted_certificates_file"}
	ReplicatorCertFile     = ID{"replicator", "cert_file"}
	ReplicatorKeyFile      = ID{"replicator", "key_file"}
	ReplicatorAllow        = ID{"replicator", "allow"} // where who is no administrator may replicate with
	ReplicatorWorkers      = ID{"replicator", "worker_processes"}
	ReplicatorBatchSize    = ID{"replicator", "worker_batch_size"}
	ReplicatorConnections  = ID{"replicator", "http_connections"}
	ReplicatorTimeout      = ID{"replicator", "connection_timeout"} // milliseconds
	ReplicatorRetries      = ID{"replicator", "retries_per_request"}
	ReplicatorCheckpoint   = ID{"replicator", "checkpoint_interval"} // milliseconds
	ReplicatorCheckpoints  = ID{"replicator", "use_checkpoints"}
	ReplicatorBulkGet      = ID{"replicator", "use_bulk_get"}
	UUIDAlgorithm          = ID{"uuids", "algorithm"}
	UUIDMaxCount           = ID{"uuids", "max_count"}
	UUIDUTCSuffix          = ID{"uuids", "utc_id_suffix"}
)

// definition says what a value that settle reads may be, and what it is when
// it is not set.
type definition struct {
	standard string
	shown    bool // listed while it is not set, as CouchDB's default.ini lists it
	check    func(string) bool
}

// definitions is the table of the values that settle reads; the standards are
// CouchDB 3.5's. Any other value may be set too, and means nothing.
var definitions = map[ID]definition{
	MaxDocumentSize:        {standard: "8000000", check: isSize},
	MaxAttachmentSize:      {standard: "1073741824", check: isSize},
	MaxDocumentIDLength:    {standard: "infinity", check: isSize},
	MaintenanceMode:        {standard: "false", check: isOneOf("true", "false", "nolb", "")},
	SingleNode:             {standard: "true", shown: true, check: isBool},
	MaxRequestSize:         {standard: "4294967296", check: isSize},
	MaxInfos:               {standard: "100", check: isSize},
	RequireValidUser:       {standard: "false", check: isBool},
	RequireValidUserButUp:  {standard: "false", check: isBool},
	ChangesTimeout:         {standard: "60000", check: isFrom(1, 1<<31)},
	EnableCORS:             {standard: "false", check: isBool},
	WWWAuthenticate:        {standard: "", check: isHeaderValue},
	TrustedProxies:         {standard: "", check: isNetworks},
	CORSOrigins:            {standard: "", check: isHeaderValue},
	CORSCredentials:        {standard: "false", check: isBool},
	CORSMethods:            {standard: "", check: isHeaderValue},
	CORSHeaders:            {standard: "", check: isHeaderValue},
	CORSExposedHeaders:     {standard: "", check: isHeaderValue},
	CORSMaxAge:             {standard: "600", check: isFrom(0, 1<<31)},
	AuthRequireValidUser:   {standard: "false", check: isBool},
	SessionTimeout:         {standard: "600", check: isFrom(0, 1<<31)},
	AllowPersistentCookies: {standard: "true", check: isBool},
	SameSite:               {standard: "", check: isSameSite},
	CookieDomain:           {standard: "", check: isHeaderToken},
	PasswordIterations:     {standard: "600000", check: isFrom(1, 10_000_000)},
	Secret:                 {standard: "", check: isAnything},
	PasswordRegexp:         {standard: "", check: isPasswordRules},
	AuthHandlers:           {standard: "", check: isAnything},
	HashAlgorithms:         {standard: "sha256, sha", check: isAnything},
	UpgradeHashOnAuth:      {standard: "true", check: isBool},
	PublicFields:           {standard: "", check: isAnything},
	ProxyUseSecret:         {standard: "false", check: isBool},
	ProxyNameHeader:        {standard: "", check: isHeaderToken},
	ProxyRolesHeader:       {standard: "", check: isHeaderToken},
	ProxyTokenHeader:       {standard: "", check: isHeaderToken},
	UsersSecurityEditable:  {standard: "false", check: isBool},
	LockoutMode:            {standard: "enforce", check: isOneOf("enforce", "warn", "off")},
	LockoutThreshold:       {standard: "5", check: isFrom(1, 1<<31)},
	LockoutLifetime:        {standard: "300000", check: isFrom(1, 1<<31)},
	LockoutObjects:         {standard: "10000", check: isFrom(1, 1_000_000)},
	JWTRequiredClaims:      {standard: "exp", check: isAnything},
	JWTRolesClaimName:      {standard: "", check: isAnything},
	JWTRolesClaimPath:      {standard: "", check: isAnything},
	PerUserEnable:          {standard: "false", check: isBool},
	PerUserDeleteDBs:       {standard: "false", check: isBool},
	PerUserDatabasePrefix:  {standard: "userdb-", check: isDatabaseName},
	PerUserShards:          {standard: "1", check: isFrom(1, 1<<31)},
	FindLimit:              {standard: "25", check: isFrom(0, 1<<31)},
	FindScanWarning:        {standard: "10", check: isFrom(0, 1<<31)},
	UploadExpiry:           {standard: "86400", check: isFrom(1, 1<<31)},
	KeepAncestors:          {standard: "2592000", check: isFrom(0, 1<<31)},
	MaxPurgedDocuments:     {standard: "100", check: isSize},
	MaxPurgedRevisions:     {standard: "1000", check: isSize},
	MaxKept:                {standard: "0", check: isFrom(0, 1<<60)},
	MaxFetching:            {standard: "268435456", check: isFrom(1, 1<<60)},
	ReplicatorMaxJobs:      {standard: "500", check: isFrom(1, 100_000)},
	ReplicatorMaxChurn:     {standard: "20", check: isFrom(1, 100_000)},
	ReplicatorMaxHistory:   {standard: "20", check: isFrom(1, 1000)},
	ReplicatorInterval:     {standard: "60000", check: isFrom(10, 1<<31)},
	ReplicatorVerifyTLS:    {standard: "true", check: isBool},
	ReplicatorCAFile:       {standard: "", check: isAnything},
	ReplicatorCertFile:     {standard: "", check: isAnything},
	ReplicatorKeyFile:      {standard: "", check: isAnything},
	ReplicatorAllow:        {standard: "public", check: isAnything},
	ReplicatorWorkers:      {standard: "4", check: isFrom(1, 64)},
	ReplicatorBatchSize:    {standard: "500", check: isFrom(1, 10_000)},
	ReplicatorConnections:  {standard: "20", check: isFrom(1, 1000)},
	ReplicatorTimeout:      {standard: "30000", check: isFrom(1, 1<<31)},
	ReplicatorRetries:      {standard: "5", check: isFrom(1, 100)},
	ReplicatorCheckpoint:   {standard: "30000", check: isFrom(1, 1<<40)},
	ReplicatorCheckpoints:  {standard: "true", check: isBool},
	ReplicatorBulkGet:      {standard: "true", check: isBool},
	UUIDAlgorithm:          {standard: "sequential", check: isOneOf("sequential", "random", "utc_random", "utc_id")},
	UUIDMaxCount:           {standard: "1000", check: isFrom(0, 100_000)},
	UUIDUTCSuffix:          {standard: "", check: isAnything},
}

// oldSections are the sections that CouchDB looks a value up in when the one
// that it belongs to has none.
var oldSections = map[string]string{"chttpd": "httpd", "chttpd_auth": "couch_httpd_auth"}

// old returns where else a value is looked up.
func (id ID) old() (ID, bool) {
	section, ok := oldSections[id.Section]
	return ID{section, id.Key}, ok
}

// definition returns what settle knows of a value, under its old section too.
func (id ID) definition() (definition, bool) {
	for section, old := range oldSections {
		if id.Section == old {
			id.Section = section
		}
	}
	d, ok := definitions[id]
	return d, ok
}

// checkValue refuses a value that settle could not use. The error is a BadRequest.
func checkValue(id ID, value string) error {
	if d, ok := id.definition(); ok && !d.check(value) {
		return couch.Errorf(couch.BadRequest, "%s/%s cannot have that value", id.Section, id.Key)
	}
	return nil
}

func isAnything(string) bool { return true }

func isBool(s string) bool { return s == "true" || s == "false" }

// isSize accepts a number of bytes, and "infinity".
func isSize(s string) bool { return s == "infinity" || isFrom(1, math.MaxInt64)(s) }

// isFrom accepts the numbers from lowest to highest.
func isFrom(lowest, highest int64) func(string) bool {
	return func(s string) bool {
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && n >= lowest && n <= highest
	}
}

// isDatabaseName accepts what databases may be called, and no system database.
func isDatabaseName(s string) bool {
	return couch.ValidateDatabaseName(s) == nil && !strings.HasPrefix(s, "_")
}

func isOneOf(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, s) }
}

// isSameSite accepts the values of the cookies' attribute, in any case.
func isSameSite(s string) bool { return isOneOf("", "none", "lax", "strict")(strings.ToLower(s)) }

// isHeaderToken accepts what can stand in a header between semicolons.
func isHeaderToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ';' || c == ',' {
			return false
		}
	}
	return true
}

// isHeaderValue accepts what can stand in a header.
func isHeaderValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// parseSize reads a size in bytes; "infinity" is no limit, 0.
func parseSize(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
