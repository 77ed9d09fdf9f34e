// STAND-IN for the package of the same name, found through NODE_PATH. eas-cli asks it which native modules an iOS
// app links; the example app links none. A user's project has the real one after `npm ci`.
exports.resolveSearchPathsAsync = async () => [];
exports.findModulesAsync = async () => ({});
