/** Fashion-MNIST: 70,000 pictures of clothes in MNIST's format. H. Xiao, K. Rasul, R. Vollgraf, https://arxiv.org/abs/1708.07747, MIT licence. */
import type { Dataset } from "../shared/dataset.ts";
import { loadIdxFolder } from "./idx.ts";

/** Where Debian's and Ubuntu's package `dataset-fashion-mnist` puts the files. */
const packaged = "/usr/share/datasets/fashion-mnist";

export function loadFashionMnist({ path = packaged }: { path?: string } = {}): Promise<Dataset> {
  return loadIdxFolder({
    id: "fashion-mnist",
    title: "Fashion-MNIST",
    folder: path,
    labels: ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"],
    remedy: "install them with apt install dataset-fashion-mnist and leave the path out",
  });
}
