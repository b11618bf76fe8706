using CN2.Network.Collections;

namespace CN2.Network.Compilation;

/// <summary>Parts that many compiled owners have equal: Services on the same endpoint, FloatingIPs routed by the same vRouters. Not thread-safe.</summary>
public sealed class SharedParts
{
    private readonly SharedValues<EquatableList<Backend>> _backends = new(partsOf: b => b.Count);
    private readonly SharedValues<FloatingIPAnswers> _answers = new(partsOf: a => a.RoutedBy.Count);

    public EquatableList<Backend> Of(EquatableList<Backend> backends) => _backends.Of(backends);

    public FloatingIPAnswers Of(FloatingIPAnswers answers) => _answers.Of(answers);
}
