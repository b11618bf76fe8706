namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>All that packets are looked up in: replaced as a whole, so that a packet sees one state or the other.</summary>
internal sealed class ForwardingTables
{
    private readonly Dictionary<uint, ForwardingInstance> _byLabel;
    private readonly Dictionary<int, ForwardingInstance> _byNumber;

    public ForwardingTables(IReadOnlyCollection<ForwardingInstance> instances)
    {
        _byLabel = instances.ToDictionary(i => i.Label);
        _byNumber = instances.ToDictionary(i => i.Number);
    }

    public static ForwardingTables Empty { get; } = new([]);

    public ForwardingInstance? OfLabel(uint label) => _byLabel.GetValueOrDefault(label);

    public ForwardingInstance? OfNumber(int number) => _byNumber.GetValueOrDefault(number);
}
