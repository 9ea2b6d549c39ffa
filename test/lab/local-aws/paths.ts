import path from 'node:path';

const repository = path.resolve(import.meta.dirname, '../../..');

/** The part of the local AWS that runs inside its server. */
export const pythonFolder = path.join(import.meta.dirname, 'python');

/** Folder for everything that is made while tests and the demo run: nothing else in the repository is written to. */
export const workFolder = path.join(repository, '.work');

/** Node as the functions run on it, whatever Node the machine has. */
export const functionsNode = path.join(repository, 'node_modules', 'node', 'bin', 'node');
