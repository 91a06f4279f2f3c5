/** The pictures that everybody knows by name: where they are published, what is in them, and how they are read. */

import { type ImportContext, type SplitParams, splitParams } from "../../data/importing.ts";
import { type DatasetFacts, type DatasetKind, dataset } from "../../data/kinds.ts";
import type { Sources } from "../../data/sources.ts";
import { choice } from "../../shared/define.ts";
import {
  cifarSources,
  digitsSources,
  type EmnistVariant,
  emnistSources,
  emnistVariants,
  fashionMnistSources,
  mnistSources,
  svhnSources,
} from "./picture-sources.ts";
import { forPictures } from "./usual-steps.ts";

/** The readers bring native libraries, which whoever only reads the catalog does not need. */
const data = () => import("../../data/index.ts");
type Readers = Awaited<ReturnType<typeof data>>["readers"];

/** How files that are found or fetched become a snapshot. */
function from<P>(sources: (params: P) => Sources, format: string, reader: (readers: Readers, params: P) => ReturnType<Readers[keyof Readers]>) {
  return {
    async importFiles(params: P, context: ImportContext) {
      const { importBuiltIn, readers } = await data();
      return importBuiltIn(sources(params), reader(readers, params), params as Partial<SplitParams>, context);
    },
    async preview(params: P, context: ImportContext) {
      const { previewBuiltIn, readers } = await data();
      return previewBuiltIn(sources(params), reader(readers, params), format, context);
    },
  };
}

/** Splits are as published; only what chooses the best epoch may be drawn. */
const given = {
  validationFraction: {
    ...splitParams.validationFraction,
    default: 0,
    help: "Share of the training pictures to choose the best epoch and settings by, fixed in the snapshot; 0: each training sets its own aside.",
  },
  splitSeed: splitParams.splitSeed,
};

const pictures = (shape: readonly number[], labels: readonly string[], train: number, test: number): DatasetFacts => ({
  task: "classification",
  sampleShape: shape,
  features: [{ name: "picture", type: "picture", shape }],
  labels,
  records: { train, test },
});

const digits = Array.from("0123456789");
const clothes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];
const things = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

export const builtInPictures: readonly DatasetKind[] = [
  dataset({
    id: "mnist",
    title: "MNIST",
    summary: "70,000 handwritten digits, 28 by 28 pixels in grey; 60,000 to train on, 10,000 to test.",
    reference: "http://yann.lecun.com/exdb/mnist/",
    licence: "CC BY-SA 3.0",
    citation:
      "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. Proceedings of the IEEE 86 (11), 1998.",
    tasks: ["classification"],
    suggestedModel: "cnn",
    facts: pictures([1, 28, 28], digits, 60_000, 10_000),
    sources: mnistSources,
    preprocessing: forPictures,
    params: given,
    ...from(
      () => mnistSources,
      "idx",
      (readers) => readers.mnist(digits),
    ),
  }),
  dataset({
    id: "fashion-mnist",
    title: "Fashion-MNIST",
    summary: "70,000 pictures of clothes in ten classes, 28 by 28 pixels in grey; 60,000 to train on, 10,000 to test.",
    reference: "https://arxiv.org/abs/1708.07747",
    licence: "MIT",
    citation:
      "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms. arXiv:1708.07747, 2017.",
    tasks: ["classification"],
    suggestedModel: "cnn",
    facts: pictures([1, 28, 28], clothes, 60_000, 10_000),
    sources: fashionMnistSources,
    preprocessing: forPictures,
    params: given,
    ...from(
      () => fashionMnistSources,
      "idx",
      (readers) => readers.mnist(clothes),
    ),
  }),
  dataset({
    id: "cifar-10",
    title: "CIFAR-10",
    summary: "60,000 photographs of ten kinds of animals and vehicles, 32 by 32 pixels in colour; 50,000 to train on, 10,000 to test.",
    reference: "https://www.cs.toronto.edu/~kriz/cifar.html",
    licence: "none stated by the publisher",
    citation: "A. Krizhevsky: Learning multiple layers of features from tiny images. University of Toronto, 2009.",
    tasks: ["classification"],
    suggestedModel: "cnn",
    facts: pictures([3, 32, 32], things, 50_000, 10_000),
    sources: cifarSources,
    preprocessing: forPictures,
    params: given,
    ...from(
      () => cifarSources,
      "cifar",
      (readers) => readers.cifar(),
    ),
  }),
  dataset({
    id: "svhn",
    title: "SVHN",
    summary: "99,289 digits of house numbers in photographs, 32 by 32 pixels in colour; 73,257 to train on, 26,032 to test.",
    reference: "http://ufldl.stanford.edu/housenumbers/",
    licence: "non-commercial use",
    citation:
      "Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng: Reading digits in natural images with unsupervised feature learning. NIPS Workshop, 2011.",
    tasks: ["classification"],
    suggestedModel: "cnn",
    facts: pictures([3, 32, 32], digits, 73_257, 26_032),
    sources: svhnSources,
    preprocessing: forPictures,
    params: given,
    ...from(
      () => svhnSources,
      "mat",
      (readers) => readers.svhn(),
    ),
  }),
  dataset({
    id: "emnist",
    title: "EMNIST",
    summary: "Handwritten letters and digits, 28 by 28 pixels in grey: 145,600 letters of 26 classes, or one of five other divisions.",
    reference: "https://arxiv.org/abs/1702.05373",
    licence: "public domain in the USA (NIST Special Database 19)",
    citation: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: an extension of MNIST to handwritten letters. arXiv:1702.05373, 2017.",
    tasks: ["classification"],
    suggestedModel: "cnn",
    facts: pictures([1, 28, 28], Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 124_800, 20_800),
    sources: emnistSources(),
    preprocessing: forPictures,
    params: {
      variant: choice({
        default: "letters",
        options: Object.keys(emnistVariants) as EmnistVariant[],
        help: `How the characters are divided, to train on + to test. ${Object.entries(emnistVariants)
          .map(([name, what]) => `${name}: ${what}.`)
          .join(" ")}`,
      }),
      ...given,
    },
    ...from(
      ({ variant }: { variant: EmnistVariant }) => emnistSources(variant),
      "idx",
      (readers, { variant }) => readers.emnist(variant),
    ),
  }),
  dataset({
    id: "digits",
    title: "Digits",
    summary: "1,797 handwritten digits, 8 by 8 pixels in grey: the small collection that comes with scikit-learn, and with Trainyard.",
    reference: "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
    licence: "CC BY 4.0 (UCI), BSD 3-Clause (scikit-learn)",
    citation: "E. Alpaydin, C. Kaynak: Cascading classifiers. Kybernetika 34 (4), 1998.",
    tasks: ["classification"],
    suggestedModel: "mlp",
    facts: pictures([1, 8, 8], digits, 1438, 359),
    sources: digitsSources,
    preprocessing: forPictures,
    params: { testFraction: splitParams.testFraction, ...given },
    ...from(
      () => digitsSources,
      "csv",
      (readers) => readers.digits(),
    ),
  }),
];
