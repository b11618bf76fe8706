namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>The tables for packets. They are replaced as a whole, so a packet sees either the old or the new state.</summary>
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
