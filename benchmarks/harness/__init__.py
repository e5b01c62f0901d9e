"""What every benchmark needs: a folder to work in, measured processes, pictures."""
