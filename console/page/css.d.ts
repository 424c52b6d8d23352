// Styles are bundled, not run.
declare module '*.css';
