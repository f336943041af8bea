"""The deployment platform: typed graphs of component releases become running containers behind URLs that outlive them."""
