package method

// catalogue is every method there is. Its order is that of All: best first among those to choose from (purge before
// clear, the drive's own before overwriting), then those that run only when named, the legacy ones last and by name.
var catalogue = []Method{
	sanitizeBlock,
	sanitizeOverwrite,
	sanitizeCrypto,
	securityEraseEnhanced,
	securityErase,
	formatCrypto,
	formatUserData,
	randomStream,
	zero,
	one,
	formatUnit,

	afssi5020,
	dod3,
	dod7,
	gutmann,
	is5Baseline,
	is5Enhanced,
	opsII,
	schneier,
	vsitr,
}
