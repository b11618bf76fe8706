using CN2.Network.Collections;

namespace CN2.Network.Resources;

/// <summary>
/// Resources as they are read, with the parts that many have equal as one object: namespaces, labels, selectors, ports, names of vRouters. Whoever reads a hundred thousand
/// of them shares each as it is read: a copy that is made later leaves garbage that the collector finds late. Not thread-safe.
/// </summary>
public sealed class SharedResources
{
    private readonly SharedValues<string> _texts = new(StringComparer.Ordinal);
    private readonly SharedValues<LabelSet> _selectors = new(partsOf: s => s.Count);
    private readonly SharedValues<EquatableList<ServicePort>> _ports = new(partsOf: p => p.Count);

    public Service Of(Service service) => service with
    {
        Id = Of(service.Id),
        Selector = _selectors.Of(LabelSet.Of(service.Selector, _texts.Of)),
        Ports = _ports.Of(service.Ports),
    };

    public FloatingIP Of(FloatingIP floatingIP) => floatingIP with { Id = Of(floatingIP.Id) };

    public VirtualMachineInterface Of(VirtualMachineInterface endpoint) => endpoint with
    {
        Id = Of(endpoint.Id),
        Labels = LabelSet.Of(endpoint.Labels, _texts.Of),
        VirtualRouter = _texts.Of(endpoint.VirtualRouter),
    };

    private NamespacedName Of(NamespacedName id) => id with { Namespace = _texts.Of(id.Namespace) };
}
