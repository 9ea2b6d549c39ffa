import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');

/** The part of the local AWS that runs inside its server. */
export const pythonFolder = path.join(import.meta.dirname, 'python');

/** Folder for everything that tests and the demo create: nothing else in the repository is written to. */
export const workFolder = path.join(repository, '.work');

/** The Node that runs the functions, whatever Node the machine has. */
export const functionsNode = path.join(repository, 'node_modules', 'node', 'bin', 'node');
