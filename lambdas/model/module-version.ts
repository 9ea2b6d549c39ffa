/**
 * The version of this module, as in `package.json`. A finding that failed with another version is attempted again at
 * once.
 */
export const MODULE_VERSION = '0.2.0';
