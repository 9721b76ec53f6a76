"""What a network is: layers over one vector θ, and the textbook passes through them."""

from glassnet.network.backprop import Pass
from glassnet.network.dense import Dense
from glassnet.network.dropout import Dropout
from glassnet.network.layer import Layer
from glassnet.network.network import Network
from glassnet.network.objective import Objective
from glassnet.network.parameters import Layout, Parameter, Parameters

__all__ = ["Dense", "Dropout", "Layer", "Layout", "Network", "Objective", "Parameter", "Parameters", "Pass"]
