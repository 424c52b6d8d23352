// A page as narrow as a telephone: drawings go downwards, and stages are listed first.

export const narrow = matchMedia('(max-width: 700px)');
