"""NumPy twins of every formula in cymlp, written for the reader and not for speed.

They share no code with the compiled modules and keep their digits in float64 at any
scores, so that tests can take them for the truth.
"""

import itertools

import numpy as np
from scipy.special import ndtr

SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


def tanh(u):
    """tanh u."""
    return np.tanh(u)


def tanh_derivative(u):
    """1 / cosh² u = 4e / (1 + e)² with e = exp(−2|u|)."""
    e = np.exp(-2 * np.abs(np.clip(u, -400, 400)))
    return 4 * e / (1 + e) ** 2


def selu(u):
    """λu for u > 0, λα(eᵘ − 1) otherwise."""
    return SELU_SCALE * np.where(u > 0, u, SELU_ALPHA * np.expm1(np.minimum(u, 0)))


def selu_derivative(u):
    """λ for u > 0, λαeᵘ otherwise."""
    return SELU_SCALE * np.where(u > 0, 1, SELU_ALPHA * np.exp(np.minimum(u, 0)))


def hardswish(u):
    """u · clip(u + 3, 0, 6) / 6, the limit 0 at −∞."""
    return np.where(u == -np.inf, 0, u) * (np.clip(u + 3, 0, 6) / 6)


def hardswish_derivative(u):
    """0 for u ≤ −3, 1 for u ≥ 3, (2u + 3) / 6 between."""
    between = (2 * np.clip(u, -3, 3) + 3) / 6
    return np.where(u <= -3, 0, np.where(u >= 3, 1, between))


def relu(u):
    """max(u, 0)."""
    return np.maximum(u, 0)


def relu_derivative(u):
    """0 for u ≤ 0, 1 for u > 0."""
    return (u > 0).astype(u.dtype)


def logistic(u):
    """1 / (1 + exp(−u)) = exp(min(u, 0)) / (1 + exp(−|u|))."""
    return np.exp(np.minimum(u, 0)) / (1 + np.exp(-np.abs(u)))


def logistic_derivative(u):
    """f(u) f(−u)."""
    return logistic(u) * logistic(-u)


def gelu(u):
    """u Φ(u), the limit 0 at −∞."""
    return np.where(u == -np.inf, 0, u) * ndtr(u)


def gelu_derivative(u):
    """Φ(u) + u φ(u), φ(u) = exp(−u²/2) / √(2π), which is 0 from ±40 on."""
    near = np.clip(u, -40, 40)
    return ndtr(u) + near * np.exp(-(near**2) / 2) / np.sqrt(2 * np.pi)


def silu(u):
    """u σ(u) with σ the logistic function, the limit 0 at −∞."""
    return np.where(u == -np.inf, 0, u) * logistic(u)


def silu_derivative(u):
    """σ(u) + u σ(u) σ(−u), of which the last term is 0 from ±1000 on."""
    return logistic(u) + np.clip(u, -1000, 1000) * logistic_derivative(u)


def softplus(u):
    """ln(1 + exp u) = max(u, 0) + ln(1 + exp(−|u|))."""
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))


def mish(u):
    """u tanh(ln(1 + exp u)), the limit 0 at −∞."""
    return np.where(u == -np.inf, 0, u) * np.tanh(softplus(u))


def mish_derivative(u):
    """tanh s + u σ(u) / cosh² s with s = ln(1 + exp u), whose derivative is σ(u)."""
    s = softplus(u)
    rising = logistic(u) * tanh_derivative(s)
    return np.tanh(s) + np.clip(u, -1000, 1000) * rising


def leaky_relu(u, negative_slope=0.01):
    """u for u > 0, αu otherwise."""
    return np.where(u > 0, u, negative_slope * u)


def leaky_relu_derivative(u, negative_slope=0.01):
    """1 for u > 0, α otherwise."""
    return np.where(u > 0, 1, negative_slope)


def identity(u):
    """u."""
    return u


def identity_derivative(u):
    """1."""
    return np.ones_like(u)


def probabilities(Z):
    """p, 1 − p and ln p of pₖ = exp zₖ / Σⱼ exp zⱼ.

    1 − p is the sum of the other probabilities, and ln p is taken from it where p is
    near 1.
    """
    Z = Z - Z.max(axis=1, keepdims=True)
    total = np.exp(Z).sum(axis=1, keepdims=True)
    p = np.exp(Z) / total
    q = p @ (1 - np.eye(Z.shape[1]))
    log_p = np.where(q < 0.5, np.log1p(-np.minimum(q, 0.5)), Z - np.log(total))
    return p, q, log_p


def log_softmax_jacobian(p, q):
    """∂ ln pₖ / ∂zⱼ = δₖⱼ − pⱼ, as (n, k, j)."""
    same_class = np.eye(p.shape[1])
    return same_class * q[:, None, :] - (1 - same_class) * p[:, None, :]


def cross_entropy(Z, T, label_smoothing=0.0):
    """−Σ tₖ ln pₖ; p − t, of targets mixed with those that are the same for all k."""
    T = (1 - label_smoothing) * T + label_smoothing / T.shape[1]
    p, _, log_p = probabilities(Z)
    return -(T * log_p).sum(axis=1), p - T


def entropy(T):
    """−Σ tₖ ln tₖ, with 0 ln 0 = 0."""
    return -(T * np.log(np.where(T > 0, T, 1))).sum(axis=1)


def kl_div(Z, T):
    """Σ tₖ (ln tₖ − ln pₖ); p − t."""
    value, gradient = cross_entropy(Z, T)
    return value - entropy(T), gradient


def hinge(Z, T, margin=5.0, softmax=False):
    """Σ_{k≠y} max(0, Δ + sₖ − s_y), s = z or s = p; pₖ − p_y = pₖ + (1 − p_y) − 1.

    By s, the gradient is g = 1 for each class k with a term > 0 and minus their number
    for y; by z it is Σₖ gₖ ∂sₖ/∂zⱼ, where ∂pₖ/∂zⱼ = pₖ ∂ ln pₖ/∂zⱼ.
    """
    p, q, _ = probabilities(Z)
    Z_y, q_y = ((S * T).sum(axis=1, keepdims=True) for S in (Z, q))
    excess = (margin - 1) + (p + q_y) if softmax else margin + (Z - Z_y)
    terms = np.where(T == 1, 0, np.maximum(excess, 0))
    g = np.where(T == 1, -(terms > 0).sum(axis=1, keepdims=True), terms > 0)
    if softmax:
        g = np.einsum("nk,nk,nkj->nj", g, p, log_softmax_jacobian(p, q))
    return terms.sum(axis=1), g


def focal(Z, T, alpha=1.0, gamma=2.0):
    """−Σ αₖ tₖ (1 − pₖ)^γ ln pₖ.

    By ln p, the gradient is g = αt (γ (1 − p)^(γ−1) p ln p − (1 − p)^γ), of which the
    first term is 0 for γ = 0 and at p = 1; by z it is Σₖ gₖ ∂ ln pₖ/∂zⱼ.
    """
    p, q, log_p = probabilities(Z)
    rising = np.zeros_like(q)
    np.power(q, gamma - 1, out=rising, where=q > 0)
    weight = np.asarray(alpha) * T
    g = weight * (gamma * rising * p * log_p - q**gamma)
    gradient = np.einsum("nk,nkj->nj", g, log_softmax_jacobian(p, q))
    return -(weight * q**gamma * log_p).sum(axis=1), gradient


def label_terms(Z):
    """p = 1 / (1 + exp(−z)), 1 − p, −ln p and −ln(1 − p)."""
    return logistic(Z), logistic(-Z), np.logaddexp(0, -Z), np.logaddexp(0, Z)


def binary_cross_entropy(Z, T, label_smoothing=0.0):
    """−Σ tₖ ln pₖ + (1 − tₖ) ln(1 − pₖ); p − t, written as (1 − t) p − t (1 − p)."""
    T = (1 - label_smoothing) * T + label_smoothing / 2
    p, q, minus_log_p, minus_log_q = label_terms(Z)
    value = T * minus_log_p + (1 - T) * minus_log_q
    return value.sum(axis=1), (1 - T) * p - T * q


def binary_focal(Z, T, alpha=1.0, gamma=2.0):
    """−Σ aₖ tₖ (1 − pₖ)^γ ln pₖ + bₖ (1 − tₖ) pₖ^γ ln(1 − pₖ).

    a = α and b = 1 − α, but b = 1 for α = 1. With dp/dz = p (1 − p), the derivative of
    (1 − p)^γ ln p is (1 − p)^γ (1 − p − γ p ln p).
    """
    p, q, minus_log_p, minus_log_q = label_terms(Z)
    alpha = np.asarray(alpha)
    present = alpha * T * q**gamma
    absent = np.where(alpha == 1, 1, 1 - alpha) * (1 - T) * p**gamma
    value = present * minus_log_p + absent * minus_log_q
    gradient = absent * (p + gamma * q * minus_log_q)
    gradient -= present * (q + gamma * p * minus_log_p)
    return value.sum(axis=1), gradient


def squared_error(Z, T):
    """The mean of ½ (z − t)²; z − t, divided by the number of outputs."""
    return ((Z - T) ** 2).mean(axis=1) / 2, (Z - T) / Z.shape[1]


def huber(Z, T, delta=0.3):
    """The mean of ½ d² where |d| ≤ δ and of δ |d| − ½ δ² elsewhere, d = z − t."""
    d = Z - T
    value = np.where(abs(d) <= delta, d**2 / 2, delta * abs(d) - delta**2 / 2)
    return value.mean(axis=1), np.clip(d, -delta, delta) / Z.shape[1]


def quantile(Z, T, quantile=0.5):
    """The mean of q (t − z) where z < t and of (1 − q) (z − t) elsewhere."""
    quantile = np.asarray(quantile)
    d = Z - T
    value = np.where(d < 0, -quantile * d, (1 - quantile) * d)
    gradient = np.where(d < 0, -quantile, np.where(d > 0, 1 - quantile, 0))
    return value.mean(axis=1), gradient / Z.shape[1]


def poisson(Z, T):
    """The mean of exp z − t + t (ln t − z), 0 ln 0 = 0; exp z − t.

    With d = z − ln t, the gradient is t (exp d − 1), which keeps its digits next to t.
    """
    positive = np.where(T > 0, T, 1)
    d = np.where(T > 0, Z - np.log(positive), 0)
    is_near = (T > 0) & (abs(d) < 1)
    near = T * np.expm1(np.where(is_near, d, 0))
    gradient = np.where(is_near, near, np.exp(Z) - T)
    return (gradient - T * d).mean(axis=1), gradient / Z.shape[1]


ACTIVATIONS = {
    "gelu": (gelu, gelu_derivative),
    "hardswish": (hardswish, hardswish_derivative),
    "identity": (identity, identity_derivative),
    "leaky_relu": (leaky_relu, leaky_relu_derivative),
    "logistic": (logistic, logistic_derivative),
    "mish": (mish, mish_derivative),
    "relu": (relu, relu_derivative),
    "selu": (selu, selu_derivative),
    "silu": (silu, silu_derivative),
    "tanh": (tanh, tanh_derivative),
}
LOSSES = {
    "binary_cross_entropy": binary_cross_entropy,
    "binary_focal": binary_focal,
    "cross_entropy": cross_entropy,
    "focal": focal,
    "hinge": hinge,
    "huber": huber,
    "kl_div": kl_div,
    "poisson": poisson,
    "quantile": quantile,
    "squared_error": squared_error,
}


def sgd(state, gradient, t, *, learning_rate, momentum, weight_decay, nesterov=False):
    """v ← momentum · v + d; θ ← θ − learning_rate · v, d = gradient + weight_decay · θ.

    With Nesterov's momentum θ ← θ − learning_rate · (d + momentum · v).
    """
    theta, velocity = state
    direction = gradient + weight_decay * theta
    velocity = momentum * velocity + direction
    step = direction + momentum * velocity if nesterov else velocity
    return np.array([theta - learning_rate * step, velocity])


def adam(state, gradient, t, *, learning_rate, beta_1, beta_2, epsilon, weight_decay):
    """m, v ← means of d and d²; θ ← θ − learning_rate · m̂ / (√v̂ + ε).

    d = gradient + weight_decay · θ; m̂ and v̂ are means of the first t steps alone, in
    which the zeros that m and v began with do not count.
    """
    theta, m, v = state
    direction = gradient + weight_decay * theta
    m = beta_1 * m + (1 - beta_1) * direction
    v = beta_2 * v + (1 - beta_2) * direction**2
    m_hat, v_hat = m / (1 - beta_1**t), v / (1 - beta_2**t)
    theta = theta - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return np.array([theta, m, v])


OPTIMIZERS = {"Adam": adam, "SGD": sgd}


def splitmix64(z):
    """The output function of SplitMix64, on uint64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stream(seed, index):
    """The number `index` of the sequence that begins after `seed`."""
    with np.errstate(over="ignore"):
        steps = np.asarray(index, np.uint64) + np.uint64(1)
        return splitmix64(np.uint64(seed) + steps * np.uint64(0x9E3779B97F4A7C15))


def dropout_masks(seed, batch, rates, n, widths):
    """For each hidden layer 1 / (1 − p) with probability 1 − p, and 0 otherwise."""
    masks = []
    for layer, (rate, width) in enumerate(zip(rates, widths, strict=True)):
        key = stream(stream(seed, batch), layer)
        kept = stream(key, np.arange(n * width)) / 2.0**64 >= rate
        masks.append(kept.reshape(n, width) / (1 - rate))
    return masks


def accuracy(Z, T):
    """Whether the class with the highest score is the most probable one."""
    return Z.argmax(axis=1) == T.argmax(axis=1)


def subset_accuracy(Z, T):
    """Whether all labels are predicted that have a probability above one half."""
    return ((Z > 0) == (T > 0.5)).all(axis=1)


def r2(Z, T, variances, log_link=False):
    """The mean over the outputs of 1 − (m − t)² / variance, 0 for a variance of 0.

    m = z, or m = exp z with a log link. The mean over samples of these variances is R².
    """
    M = np.exp(Z) if log_link else Z
    positive = np.where(variances > 0, variances, 1)
    return np.where(variances > 0, 1 - (M - T) ** 2 / positive, 0).mean(axis=1)


def batch_gradient(layers, activations, loss, X, T, weights, masks, score=accuracy):
    """Σ wᵢ ℓᵢ / n of a batch, that of the scores, and the gradient for every layer.

    `layers` are pairs (W, b), `activations` pairs (f, f′), `loss` and `score` functions
    of Z, T, `masks` the factors of each hidden layer's values.
    """
    inputs, sums = [X], []
    for (W, b), activation, mask in zip(
        layers, [*activations, None], [*masks, None], strict=True
    ):
        sums.append(inputs[-1] @ W + b)
        if activation is not None:
            inputs.append(mask * activation[0](sums[-1]))
    value, dZ = loss(sums[-1], T)
    scores = score(sums[-1], T)

    dU = dZ * weights[:, None] / len(X)
    gradient = []
    for index in reversed(range(len(layers))):
        gradient.insert(0, (inputs[index].T @ dU, dU.sum(axis=0)))
        if index > 0:
            dA = dU @ layers[index][0].T
            dU = dA * masks[index - 1] * activations[index - 1][1](sums[index - 1])
    return (weights * value).mean(), (weights * scores).mean(), gradient


def train_epoch(
    state, sizes, activations, loss, X, T, weights, order, batch_size, step, n_steps=0,
    dropout=None, seed=0, score=accuracy,
):  # fmt: skip
    """One epoch over mini-batches of `order`, `n_steps` after the first.

    `state` holds W and b of every layer one after the other, and below them what the
    optimiser keeps; `step` is an optimiser with its settings. Returns the state as it
    is at the end, and of each batch before its update the loss, the mean score and the
    norm of the gradient.
    """
    record = []
    hidden = sizes[1:-1]
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        masks = [1] * len(hidden)
        if dropout:
            masks = dropout_masks(seed, len(record), dropout, len(batch), hidden)
        value, mean_score, gradient = batch_gradient(
            unpack(state[0], sizes), activations, loss, X[batch], T[batch],
            weights[batch], masks, score,
        )  # fmt: skip
        gradient = pack(gradient)
        record.append((value, mean_score, np.linalg.norm(gradient)))
        state = step(state, gradient, n_steps + len(record))
    return state, np.transpose(record)


def pack(layers):
    """The pairs (W, b) as one flat array."""
    return np.concatenate([part.ravel() for layer in layers for part in layer])


def unpack(theta, sizes):
    """The flat array as pairs (W, b)."""
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        W, b, theta = np.split(theta, [n_in * n_out, (n_in + 1) * n_out])
        layers.append((W.reshape(n_in, n_out), b))
    return layers
