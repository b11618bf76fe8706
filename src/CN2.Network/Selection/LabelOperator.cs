namespace CN2.Network.Selection;

/// <summary>Kubernetes' selector operators. <c>a=b</c> is In with one value, <c>a!=b</c> NotIn with one.</summary>
public enum LabelOperator
{
    In,
    NotIn,
    Exists,
    DoesNotExist,
}
