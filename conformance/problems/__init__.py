"""What every backend is asked: cases of sizes, weights and inputs."""
