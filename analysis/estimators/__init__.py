"""Statistical methods: frames in, frames out, nothing read, written or drawn."""
